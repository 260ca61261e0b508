"""Talking to the bot in a simulator: at the prompt, from a script, or one verb at a time. All of it goes over HTTP."""
