"""Channels of notifications: people by Apprise (chat, mail, webhooks), machines by CloudEvents over HTTP."""

from reconciler.io.notify.channels import Channels, read_channels

__all__ = ["Channels", "read_channels"]
