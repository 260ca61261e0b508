"""The class to derive from: one method for each event, as a table of contents of what a bot can hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qqbot_sync.context import Context
    from qqbot_sync.models import (
        AudioAction,
        AudioLiveMember,
        C2CSwitchEvent,
        Channel,
        EnterAIO,
        ForumAuditResult,
        FriendEvent,
        GroupJoinRequest,
        GroupManageEvent,
        GroupMemberEvent,
        Guild,
        Interaction,
        Member,
        Message,
        MessageAudited,
        MessageDelete,
        MessageReaction,
        OpenForumEvent,
        Post,
        QQMessage,
        Ready,
        Reply,
        SubscribeMessageStatus,
        Thread,
    )

__all__ = ["EventHandler"]


class EventHandler:
    """Override the methods of the events you want; each one asks for the intent of its event.

    Methods run on worker threads, in order for one author and in parallel for different ones: what they share needs
    a lock. A method is called with the context, which can reply, and with the event as its model.

        class Greeter(EventHandler):
            def at_message_create(self, ctx, message):
                ctx.reply(f"你好,{message.text}")

        BotClient(handler=Greeter()).run_forever()
    """

    # -- the connection and everything else -----------------------------------------------------------------------

    def ready(self, ctx: Context, ready: Ready) -> None:
        """A new session began; `ready.user` is the bot."""

    def resumed(self, ctx: Context) -> None:
        """The session goes on after an interruption; what was missed has been delivered."""

    def error(self, ctx: Context | None, error: BaseException) -> None:
        """A handler raised (with its context), or the client failed for good (without one)."""

    def unknown_event(self, ctx: Context, data: Any) -> None:
        """An event that this version has no method for; `data` is its body as it came, `ctx.name` its name."""

    # -- guilds and channels ---------------------------------------------------------------------------------------

    def guild_create(self, ctx: Context, guild: Guild) -> None:
        """The bot joined a guild."""

    def guild_update(self, ctx: Context, guild: Guild) -> None:
        """A guild changed."""

    def guild_delete(self, ctx: Context, guild: Guild) -> None:
        """The bot left a guild, or it was dissolved; `guild` is its last state."""

    def channel_create(self, ctx: Context, channel: Channel) -> None:
        """A channel was made."""

    def channel_update(self, ctx: Context, channel: Channel) -> None:
        """A channel changed."""

    def channel_delete(self, ctx: Context, channel: Channel) -> None:
        """A channel is gone."""

    def guild_member_add(self, ctx: Context, member: Member) -> None:
        """Somebody joined a guild."""

    def guild_member_update(self, ctx: Context, member: Member) -> None:
        """A member of a guild changed."""

    def guild_member_remove(self, ctx: Context, member: Member) -> None:
        """Somebody left a guild."""

    # -- messages --------------------------------------------------------------------------------------------------

    def at_message_create(self, ctx: Context, message: Message) -> None:
        """A guild message that mentions the bot. (BotRS calls this one `message_create`.)"""

    def message_create(self, ctx: Context, message: Message) -> None:
        """Any message in a guild; private-domain bots only. (BotRS gives this name to AT_MESSAGE_CREATE.)"""

    def direct_message_create(self, ctx: Context, message: Message) -> None:
        """A direct message of a guild."""

    def group_at_message_create(self, ctx: Context, message: QQMessage) -> None:
        """A group message that mentions the bot."""

    def group_message_create(self, ctx: Context, message: QQMessage) -> None:
        """A group message, where the bot may hear all of them."""

    def c2c_message_create(self, ctx: Context, message: QQMessage) -> None:
        """A message one to one."""

    def message_delete(self, ctx: Context, deleted: MessageDelete) -> None:
        """Any message in a guild was deleted; private-domain bots only."""

    def message_reaction_add(self, ctx: Context, reaction: MessageReaction) -> None:
        """Somebody reacted to a guild message."""

    def message_reaction_remove(self, ctx: Context, reaction: MessageReaction) -> None:
        """A reaction was taken back."""

    def direct_message_delete(self, ctx: Context, deleted: MessageDelete) -> None:
        """A direct message was deleted."""

    def message_audit_pass(self, ctx: Context, audit: MessageAudited) -> None:
        """A message of the bot passed its audit."""

    def message_audit_reject(self, ctx: Context, audit: MessageAudited) -> None:
        """A message of the bot failed its audit."""

    def public_message_delete(self, ctx: Context, deleted: MessageDelete) -> None:
        """A guild message that mentioned the bot was deleted."""

    # -- groups and friends ----------------------------------------------------------------------------------------

    def enter_aio(self, ctx: Context, opened: EnterAIO) -> None:
        """A user opened the chat window of an agent bot."""

    def group_member_add(self, ctx: Context, member: GroupMemberEvent) -> None:
        """Somebody joined a group."""

    def group_member_remove(self, ctx: Context, member: GroupMemberEvent) -> None:
        """Somebody left a group."""

    def group_join_request(self, ctx: Context, request: GroupJoinRequest) -> None:
        """Somebody asks to join a group of which the bot is an administrator."""

    def friend_add(self, ctx: Context, friend: FriendEvent) -> None:
        """A user added the bot."""

    def friend_del(self, ctx: Context, friend: FriendEvent) -> None:
        """A user removed the bot."""

    def c2c_msg_reject(self, ctx: Context, switch: C2CSwitchEvent) -> None:
        """A user switched proactive messages off."""

    def c2c_msg_receive(self, ctx: Context, switch: C2CSwitchEvent) -> None:
        """A user switched proactive messages on."""

    def group_add_robot(self, ctx: Context, group: GroupManageEvent) -> None:
        """The bot was added to a group."""

    def group_del_robot(self, ctx: Context, group: GroupManageEvent) -> None:
        """The bot was removed from a group."""

    def group_msg_reject(self, ctx: Context, group: GroupManageEvent) -> None:
        """A group switched proactive messages off."""

    def group_msg_receive(self, ctx: Context, group: GroupManageEvent) -> None:
        """A group switched proactive messages on."""

    def subscribe_message_status(self, ctx: Context, status: SubscribeMessageStatus) -> None:
        """A subscription to messages was granted or withdrawn."""

    # -- buttons ---------------------------------------------------------------------------------------------------

    def interaction_create(self, ctx: Context, interaction: Interaction) -> None:
        """Somebody pressed a button or used a menu."""

    # -- forums ----------------------------------------------------------------------------------------------------

    def open_forum_thread_create(self, ctx: Context, forum: OpenForumEvent) -> None:
        """A thread was opened in a forum; ids only."""

    def open_forum_thread_update(self, ctx: Context, forum: OpenForumEvent) -> None:
        """A thread of a forum changed; ids only."""

    def open_forum_thread_delete(self, ctx: Context, forum: OpenForumEvent) -> None:
        """A thread of a forum is gone; ids only."""

    def open_forum_post_create(self, ctx: Context, forum: OpenForumEvent) -> None:
        """A thread was answered; ids only."""

    def open_forum_post_delete(self, ctx: Context, forum: OpenForumEvent) -> None:
        """An answer to a thread is gone; ids only."""

    def open_forum_reply_create(self, ctx: Context, forum: OpenForumEvent) -> None:
        """An answer was replied to; ids only."""

    def open_forum_reply_delete(self, ctx: Context, forum: OpenForumEvent) -> None:
        """A reply to an answer is gone; ids only."""

    def forum_thread_create(self, ctx: Context, thread: Thread) -> None:
        """A thread was opened; private-domain bots only."""

    def forum_thread_update(self, ctx: Context, thread: Thread) -> None:
        """A thread changed; private-domain bots only."""

    def forum_thread_delete(self, ctx: Context, thread: Thread) -> None:
        """A thread is gone; private-domain bots only."""

    def forum_post_create(self, ctx: Context, post: Post) -> None:
        """A thread was answered; private-domain bots only."""

    def forum_post_delete(self, ctx: Context, post: Post) -> None:
        """An answer to a thread is gone; private-domain bots only."""

    def forum_reply_create(self, ctx: Context, reply: Reply) -> None:
        """An answer was replied to; private-domain bots only."""

    def forum_reply_delete(self, ctx: Context, reply: Reply) -> None:
        """A reply to an answer is gone; private-domain bots only."""

    def forum_publish_audit_result(self, ctx: Context, result: ForumAuditResult) -> None:
        """What was published in a forum passed its audit, or failed."""

    # -- audio -----------------------------------------------------------------------------------------------------

    def audio_or_live_channel_member_enter(self, ctx: Context, member: AudioLiveMember) -> None:
        """Somebody entered a voice or live channel."""

    def audio_or_live_channel_member_exit(self, ctx: Context, member: AudioLiveMember) -> None:
        """Somebody left a voice or live channel."""

    def audio_start(self, ctx: Context, audio: AudioAction) -> None:
        """Audio began to play."""

    def audio_finish(self, ctx: Context, audio: AudioAction) -> None:
        """Audio has ended."""

    def audio_on_mic(self, ctx: Context, audio: AudioAction) -> None:
        """The bot went on the microphone."""

    def audio_off_mic(self, ctx: Context, audio: AudioAction) -> None:
        """The bot left the microphone."""
