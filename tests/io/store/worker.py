"""What the tests of the store run in a process of its own: python worker.py COMMAND FOLDER [ARGUMENT...]."""

import importlib
import os
import resource
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from reconciler.io.ids import new_id
from reconciler.io.store import DATABASE, open_store
from reconciler.model.events import Actor, AuditEvent, Intent
from reconciler.ports import StoreError


def event(run):
    return AuditEvent(
        new_id(), datetime.now(UTC), run, "object.updated", Actor("host:1", "root", "once"), error="x" * 500
    )


def say(text):
    os.write(1, f"{text}\n".encode())


def append(folder, name, count):
    """Append so many events, one transaction each."""
    store = open_store(folder, timeout=30)
    for _ in range(int(count)):
        store.append([event(name)])
    store.close()


def hold(folder):
    """Hold the write lock until the standard input is closed."""
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("locked")
    sys.stdin.read()
    connection.close()


def lease(folder, name, seconds):
    """Take a lease, tell its token, and keep the store open until the standard input is closed."""
    store = open_store(folder, timeout=30)
    held = store.acquire_lease(name, f"host:{os.getpid()}", float(seconds), datetime.now(UTC))
    say(f"token {held.token if held else None}")
    sys.stdin.read()
    store.close()


def contend(folder, name, count):
    """Take a lease so many times, each time adding one to a number that is kept under its name."""
    store = open_store(folder, timeout=30)
    done = 0
    while done < int(count):
        held = store.acquire_lease(name, f"host:{os.getpid()}", 30, datetime.now(UTC))
        if held:
            number = store.get("number") or 0
            time.sleep(0.001)
            store.put("number", number + 1)
            say(held.token)
            store.release_lease(held)
            done += 1
    store.close()


def fill(folder, limit):
    """Append under a limit on the size of files until it does not go on; tell how many and why."""
    store = open_store(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    count = 0
    try:
        while True:
            store.append([event("fill")])
            count += 1
    except StoreError as error:
        say(f"{count} {error}")


def crash(folder):
    """For each line of the standard input, write in a child until somebody kills it. It tells what is durable."""
    importlib.import_module("reconciler.io.store.sql")  # once, for all children
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            write_for_ever(folder)
        os.waitpid(child, 0)
        say("dead")


def write_for_ever(folder):
    say(f"pid {os.getpid()}")
    store = open_store(folder, timeout=30)
    while True:
        events = [event("crash") for _ in range(7)]
        store.append(events)
        say("recorded " + " ".join(each.id for each in events))
        intents = [Intent(each.id, each, "1", "d") for each in (event("crash") for _ in range(3))]
        store.open_intents(intents)
        say("opened " + " ".join(intent.id for intent in intents))
        store.close_intents({intent.id: intent.event for intent in intents[:2]})
        say("recorded " + " ".join(intent.id for intent in intents[:2]))


def ids(_folder):
    """An id before a fork, one in the child, one in the parent."""
    say(new_id())
    child = os.fork()
    say(new_id())
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
