"""Every model keeps the rules of the house: plain, documented, open to what is new."""

from __future__ import annotations

import ast
import copy
import json
import pickle
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlencode

import msgspec
import pytest

from qqbot_sync import models
from qqbot_sync.models import Model, OpenIntEnum, OpenStrEnum

# dataclasses-json still speaks to marshmallow as to its version 2.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning")

HERE = Path(models.__file__).parent
MODELS = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, Model)]
ENUMS = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, Enum)]
OPEN = [each for each in ENUMS if issubclass(each, (OpenIntEnum, OpenStrEnum)) and len(each)]


def documented_fields() -> dict[str, dict[str, str]]:
    """Class name, field name, and the text below the field."""
    found: dict[str, dict[str, str]] = {}
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                texts = found.setdefault(node.name, {})
                for field, below in zip(node.body, [*node.body[1:], None], strict=True):
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                        texts[field.target.id] = ""
                        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                            texts[field.target.id] = str(below.value.value)
    return found


DOCUMENTED = documented_fields()


def test_everything_public_is_exported_and_every_model_of_the_reference_is_there() -> None:
    defined = {
        node.name
        for path in HERE.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert defined <= set(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)
    assert set(NAMED_IN_THE_REFERENCE.split()) <= set(models.__all__)


NAMED_IN_THE_REFERENCE = """
    Payload Hello Identify Resume Ready Gateway GatewayBot SessionStartLimit AccessToken Validation ValidationReply
    CallbackAck User Member GroupMember Guild Channel ChannelPermissions Role Message GuildAttachment DMS QQMessage
    Attachment Mention MsgElement ARKData Embed Ark Markdown MessageReference Keyboard Button MessageDelete
    MessageReaction MessageAudited Interaction FriendEvent C2CSwitchEvent GroupManageEvent GroupMemberEvent
    GroupJoinRequest SubscribeMessageStatus EnterAIO BotState GroupInfo Announces PinsMessage Schedule APIPermission
    APIPermissionDemand MessageSetting Mute AudioControl AudioAction AudioLiveMember Thread Post Reply
    ForumAuditResult OpenForumEvent RichText Paragraph Elem RichObject
"""


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_a_model_is_a_plain_dataclass_that_needs_nothing(model: type[Model]) -> None:
    assert is_dataclass(model)
    assert model.from_dict({}) == model() == msgspec.json.decode(b"{}", type=model)
    assert model.schema().load({}) == model()
    assert model.from_dict(model().to_dict()) == model()
    assert copy.deepcopy(model()) == pickle.loads(pickle.dumps(model())) == model()


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_texts_default_to_empty_lists_to_empty_and_the_rest_to_none(model: type[Model]) -> None:
    hints = get_type_hints(model)
    for field in fields(model):
        origin = getattr(hints[field.name], "__origin__", hints[field.name])
        if origin in (list, dict):
            assert field.default_factory is origin, field.name
        elif origin is str:
            assert field.default == "", field.name
        else:
            assert field.default is None, field.name
        assert field.default is not MISSING or field.default_factory is not MISSING


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_every_field_says_what_it_means_and_open_ones_say_why(model: type[Model]) -> None:
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")
    for field in fields(model):
        owners = (DOCUMENTED.get(each.__name__, {}) for each in model.__mro__)
        text = next(texts[field.name] for texts in owners if field.name in texts)
        assert text.endswith((".", ")")), field.name
        shape = str(get_type_hints(model)[field.name])
        if "dict" in shape or "Any" in shape:
            assert "because" in text, f"{field.name} does not say why it is open"


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_every_time_has_a_property_that_reads_it(model: type[Model]) -> None:
    names = [field.name for field in fields(model) if get_type_hints(model)[field.name] == models.Timestamp]
    for name in names:
        if (model, name) == (models.GroupMember, "join_timestamp"):
            continue  # the old list's spelling of joined_at, whose property reads both
        built = model.from_dict({name: 1690000000})
        assert getattr(built, f"{name}_datetime").timestamp() == 1690000000
        assert getattr(model(), f"{name}_datetime") is None


def test_a_group_members_time_of_joining_is_read_in_both_spellings() -> None:
    for name in ("joined_at", "join_timestamp"):
        joined = models.GroupMember.from_dict({name: "1690000000"}).joined_at_datetime
        assert joined is not None
        assert joined.timestamp() == 1690000000


@pytest.mark.parametrize("kind", OPEN, ids=lambda each: each.__name__)
def test_unknown_members_are_kept(kind: Any) -> None:
    unknown = 987654 if issubclass(kind, int) else "something new"
    member = kind(unknown)
    assert member == unknown
    assert hash(member) == hash(unknown)
    assert isinstance(member, kind)
    assert not member.is_known
    assert kind(unknown) == member
    assert len(list(kind)) == len(kind.__members__)
    assert json.loads(json.dumps(member)) == unknown
    assert pickle.loads(pickle.dumps(member)) == copy.deepcopy(member) == member
    assert all(known.is_known for known in kind)
    assert str(unknown) in repr(member)


def test_unknown_members_survive_in_models() -> None:
    channel = models.Channel.from_dict({"type": 20000, "sub_type": 77})
    assert (channel.type, channel.sub_type) == (20000, 77)
    assert models.Channel.from_json(channel.to_json()) == channel
    assert models.Channel.schema().load(json.loads(channel.to_json())) == channel
    assert msgspec.json.decode(b'{"type": 20000, "sub_type": 77}', type=models.Channel) == channel
    scene = models.Interaction.from_dict({"scene": "moon"}).scene
    assert str(scene) == "moon"
    assert f"{scene}" == "moon"


def test_from_dict_takes_what_is_odd_and_refuses_what_is_no_dict() -> None:
    assert models.Message.from_dict({"author": "", "mentions": "x", "surprise": 1}) == models.Message()
    wrongs: list[Any] = ["", [], None, 3]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="Message"):
            models.Message.from_dict(wrong)


def test_a_message_inside_a_message_has_a_schema() -> None:
    nested = models.MsgElement(content="a", msg_elements=[models.MsgElement(content="b")])
    assert models.MsgElement.schema().load(json.loads(nested.to_json())) == nested


def test_no_module_defers_its_annotations() -> None:
    for path in HERE.glob("*.py"):
        assert "\nfrom __future__ import annotations" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("kind", OPEN, ids=lambda each: each.__name__)
def test_as_text_a_member_is_what_goes_over_the_wire(kind: type[Enum]) -> None:
    """In a query string, in an f-string and in a log line, on every Python."""
    for member in kind:
        assert str(member) == f"{member}" == f"{member:<1}" == str(member.value)
        assert urlencode({"x": member}) == urlencode({"x": member.value})
