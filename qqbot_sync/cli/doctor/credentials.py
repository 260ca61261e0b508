"""Checks of app id and secret, by their form alone."""

from __future__ import annotations

from qqbot_sync.cli.doctor.finding import Check, Finding, Words, failed, fine, warning
from qqbot_sync.cli.doctor.patient import Patient

__all__ = ["CHECKS"]

WHERE = "可在 https://q.qq.com 的「开发设置」中找到 / you find it in the console of https://q.qq.com"
SHORTEST = 8
"""Characters: a real secret is longer."""


def check_app_id(patient: Patient) -> Finding:
    app_id = (patient.settings.app_id or "").strip()
    problem = _problem(app_id)
    if problem:
        return failed(problem, fix=("请设置 QQ_BOT_APP_ID 或 --app-id / set QQ_BOT_APP_ID or --app-id", WHERE))
    if not app_id.isdigit():
        return warning(
            f"{app_id}:通常只有数字 / {app_id}: usually digits only",
            fix="请核对是否误填了机器人的 QQ 号或名称 / check that it is not the bot's name or something else",
            app_id=app_id,
        )
    return fine(app_id, app_id=app_id)


def check_secret(patient: Patient) -> Finding:
    secret = (patient.settings.app_secret or "").strip()
    problem = _problem(secret)
    if problem:
        return failed(problem, fix=("请设置 QQ_BOT_SECRET / set QQ_BOT_SECRET", WHERE))
    length = len(secret)
    doubt = ""
    if secret == (patient.settings.app_id or "").strip():
        doubt = "与 AppID 相同 / the same as the app id"
    elif secret[0] in "\"'" or secret[-1] in "\"'":
        doubt = "带有引号 / it has quotation marks around it"
    elif length < SHORTEST:
        doubt = f"只有 {length} 个字符 / it has {length} characters only"
    if doubt:
        return warning(
            doubt,
            fix=("请从控制台重新复制 AppSecret / copy the AppSecret from the console again", WHERE),
            length=length,
        )
    return fine(f"已设置({length} 个字符) / set ({length} characters)", length=length)


def _problem(text: str) -> str:
    if not text:
        return "未设置 / not set"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "含有空格或非 ASCII 字符,请重新复制 / it holds blanks or characters that are not ASCII: copy it again"
    return ""


CHECKS = (
    Check("app_id", Words("AppID", "AppID"), check_app_id),
    Check("secret", Words("AppSecret", "AppSecret"), check_secret),
)
