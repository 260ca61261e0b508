"""`.env` files: what may stand in one, and that an error names the line and never the value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqbot_sync.config.dotenv import parse_dotenv, read_dotenv


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("\n  \n# a comment\n   # another", {}),
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("  export   A = 1  ", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=\nB=2", {"A": "", "B": "2"}),
        ("A=# nothing", {"A": ""}),
        ("A=1 # a comment", {"A": "1"}),
        ("A=a#b", {"A": "a#b"}),
        ("A=http://u:p@h/?x=1&y=2", {"A": "http://u:p@h/?x=1&y=2"}),
        ("A=it's", {"A": "it's"}),
        ("A='it is # so' # a comment", {"A": "it is # so"}),
        ("A='\\n$HOME'", {"A": "\\n$HOME"}),
        ('A="a\\nb\\t\\"c\\" \\\\ \\$d"', {"A": 'a\nb\t"c" \\ $d'}),
        ('A="C:\\Users\\me"', {"A": "C:\\Users\\me"}),
        ('A="line 1\nline 2"\nB=2', {"A": "line 1\nline 2", "B": "2"}),
        ("A=''", {"A": ""}),
        ('A=""\nB=1', {"A": "", "B": "1"}),
        ("A=$HOME", {"A": "$HOME"}),
        ("A=密钥", {"A": "密钥"}),
    ],
)
def test_what_a_file_says(text: str, found: dict[str, str]) -> None:
    assert parse_dotenv(text) == found


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("TOP-SECRET", 1, "expected NAME=value"),
        ("A=1\n\n=TOP-SECRET", 3, "expected NAME=value"),
        ("A=1\n1B=TOP-SECRET", 2, "expected NAME=value"),
        ("A: TOP-SECRET", 1, "expected NAME=value"),
        ("A=1\nB=2\nA=TOP-SECRET", 3, "A is given twice"),
        ("\nA='TOP-SECRET", 2, "the quote is not closed"),
        ('A="TOP-SECRET\nB=2', 1, "the quote is not closed"),
        ('A="x" TOP-SECRET', 1, "something follows the closing quote"),
        ('A="1\n2"\nB', 3, "expected NAME=value"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f": .*[\u4e00-\u9fff].* / .*{said}") as caught:
        read_dotenv(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "TOP-SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("A=密钥".encode("gbk"))
    with pytest.raises(ValueError, match="save it as UTF-8"):
        read_dotenv(path)


NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))))
def test_whatever_stands_in_double_quotes_is_read_back(variables: dict[str, str]) -> None:
    escaped = {name: text.replace("\\", "\\\\").replace('"', '\\"') for name, text in variables.items()}
    lines = "\n".join(f'{name}="{text}"' for name, text in escaped.items())
    assert parse_dotenv(lines) == variables


@given(st.text(st.sampled_from("AB=#'\"\\ \n\texport1")))
def test_every_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_dotenv(text)
    except ValueError:
        return
    assert all(isinstance(value, str) for value in found.values())
