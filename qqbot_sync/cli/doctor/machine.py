"""Checks of this machine: Python, packages, extras, the store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from qqbot_sync.cli.doctor.finding import Check, Finding, Words, failed, fine, not_done, warning
from qqbot_sync.cli.doctor.patient import PACKAGE, Patient
from qqbot_sync.store.file import APPLICATION_ID

__all__ = ["CHECKS"]

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 14)
"""The newest version that the tests run on."""
UNKNOWN_EXTRAS = frozenset({"dev"})
"""Extras that no bot needs."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?$")
_SPECIFIER = re.compile(r"\s*(>=|<=|==|!=|~=|<|>)\s*([0-9][0-9.]*)")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_FOR_PYTHON = re.compile(r"""python_version\s*(<|>=)\s*["'](\d+)\.(\d+)["']""")


def check_python(patient: Patient) -> Finding:
    version = patient.surroundings.python
    said = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return failed(
            f"{said},太旧 / {said}, too old",
            fix="请安装 Python 3.10 或更新的版本 / install Python 3.10 or newer",
            version=said,
        )
    if version[:2] > NEWEST_PYTHON:
        newest = ".".join(map(str, NEWEST_PYTHON))
        return warning(
            f"{said},尚未测试过 / {said}, not tested yet",
            fix=f"若有问题请改用 {newest} / if anything is odd, use {newest}",
            version=said,
        )
    return fine(said, version=said)


class Requirement(NamedTuple):
    """One line of a package's metadata."""

    name: str
    specifiers: tuple[tuple[str, tuple[int, ...]], ...]
    extra: str | None

    @classmethod
    def parse(cls, text: str, python: tuple[int, ...]) -> Requirement | None:
        """None for what this Python does not need."""
        found = _REQUIREMENT.match(text)
        if found is None:
            return None
        name, specifiers, marker = found.group(1), found.group(2), found.group(3) or ""
        limit = _FOR_PYTHON.search(marker)
        if limit is not None:
            bound = (int(limit.group(2)), int(limit.group(3)))
            if (python[:2] < bound) != (limit.group(1) == "<"):
                return None
        extra = _EXTRA.search(marker)
        pairs = tuple((sign, numbers(version)) for sign, version in _SPECIFIER.findall(specifiers))
        return cls(name, pairs, extra.group(1) if extra else None)

    def suits(self, version: str) -> bool:
        """Whether an installed version will do."""
        have = numbers(version)
        return all(_holds(have, sign, wanted) for sign, wanted in self.specifiers)

    @property
    def wish(self) -> str:
        """As it is given to pip."""
        return self.name + ",".join(f"{sign}{'.'.join(map(str, wanted))}" for sign, wanted in self.specifiers)


def numbers(version: str) -> tuple[int, ...]:
    """`1.10.0rc1` → (1, 10, 0): what is compared."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _holds(have: tuple[int, ...], sign: str, wanted: tuple[int, ...]) -> bool:
    length = max(len(have), len(wanted))
    left, right = (numbers + (0,) * (length - len(numbers)) for numbers in (have, wanted))
    return {
        ">=": left >= right,
        "~=": left >= right,
        "<=": left <= right,
        "<": left < right,
        ">": left > right,
        "==": left == right,
        "!=": left != right,
    }[sign]


def _requirements(patient: Patient) -> list[Requirement]:
    parsed = (Requirement.parse(text, patient.surroundings.python) for text in patient.surroundings.requirements())
    return [one for one in parsed if one is not None]


def check_packages(patient: Patient) -> Finding:
    version_of = patient.surroundings.version_of
    own = version_of(PACKAGE)
    wanted = [one for one in _requirements(patient) if one.extra is None]
    if own is None or not wanted:
        return warning(
            f"{PACKAGE} 未经 pip 安装,无法核对依赖 / {PACKAGE} was not installed by pip, so its packages are not known",
            fix=f"请执行 pip install {PACKAGE} / pip install {PACKAGE}",
        )
    versions = {one.name: version_of(one.name) for one in wanted}
    bad = [one for one in wanted if not one.suits(versions[one.name] or "0")]
    if bad:
        lines = [f"{one.name}: {versions[one.name] or '未安装 / not installed'}" for one in bad]
        command = "pip install " + " ".join(f'"{one.wish}"' for one in bad)
        return failed(*lines, fix=f"请执行 {command} / {command}", **{PACKAGE: own}, packages=versions)
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    return fine(f"{PACKAGE} {own}", shown, **{PACKAGE: own}, packages=versions)


def check_extras(patient: Patient) -> Finding:
    extras: dict[str, dict[str, str | None]] = {}
    for one in _requirements(patient):
        if one.extra is not None and one.extra not in UNKNOWN_EXTRAS:
            version = patient.surroundings.version_of(one.name)
            suits = version is not None and one.suits(version)
            extras.setdefault(one.extra, {})[one.name] = version if suits else None
    whole = [name for name, packages in extras.items() if all(packages.values())]
    half = [name for name, packages in extras.items() if any(packages.values()) and name not in whole]
    facts = {"installed": whole, "incomplete": half, "available": list(extras)}
    if half:
        lacking = ", ".join(name for extra in half for name, version in extras[extra].items() if version is None)
        command = f'pip install "{PACKAGE}[{",".join(half)}]"'
        return warning(
            f"不完整 / incomplete: {', '.join(half)}",
            f"缺少 / lacking: {lacking}",
            fix=f"请执行 {command} / {command}",
            **facts,
        )
    others = [name for name in extras if name not in whole]
    without = f"未安装 / not installed: {', '.join(others)}" if others else ""
    return fine(*filter(None, (", ".join(whole), without)) or ("无 / none",), **facts)


def check_store(patient: Patient) -> Finding:
    store = patient.settings.store
    if not isinstance(store, str | os.PathLike):
        return not_done("未设置:会话只记在内存里 / none is set: sessions are kept in memory")
    path = Path(store).expanduser().resolve()
    facts = {"path": str(path)}
    if not path.parent.is_dir():
        return failed(
            f"目录不存在:{path.parent} / there is no directory {path.parent}",
            fix="请先创建该目录,或更改 store / make it, or change store",
            **facts,
        )
    target = path if path.exists() else path.parent
    if path.is_dir() or not os.access(target, os.W_OK) or not os.access(path.parent, os.W_OK):
        return failed(
            f"无法写入 {path} / {path} cannot be written",
            fix="请检查文件与目录的权限 / check the rights of the file and its directory",
            **facts,
        )
    if not path.exists():
        return fine(f"{path}(将在首次启动时创建) / {path} (made at the first start)", **facts)
    if _is_foreign(path):
        return failed(
            f"{path} 不是本程序的文件 / {path} is no file of this package",
            fix="请换一个文件,或移走它 / choose another file, or move this one away",
            **facts,
        )
    return fine(str(path), **facts)


def _is_foreign(path: Path) -> bool:
    """Whether the file is no store, by its header: opening it as a database would write beside it."""
    with path.open("rb") as file:
        header = file.read(100)
    is_ours = header.startswith(b"SQLite format 3\0") and header[68:72] == APPLICATION_ID.to_bytes(4, "big")
    return bool(header) and not is_ours


CHECKS = (
    Check("python", Words("Python", "Python"), check_python),
    Check("packages", Words("依赖包", "packages"), check_packages),
    Check("extras", Words("可选组件", "extras"), check_extras),
    Check("store", Words("存储文件", "store"), check_store),
)
