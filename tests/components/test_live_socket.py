"""One socket per tab: a topic is subscribed once, comes back after a drop, and nobody keeps an unused socket open."""

from typing import Any

from tests.components.browser_modules import run_js

SETTING = """
    globalThis.location = { protocol: "https:", host: "trainyard.test" };
    const timers = []; let serial = 0;
    globalThis.setTimeout = (call, delay) => { timers.push({ id: ++serial, call, delay }); return serial; };
    globalThis.clearTimeout = (id) => {
        const at = timers.findIndex((timer) => timer.id === id);
        if (at >= 0) timers.splice(at, 1);
    };
    const ring = () => timers.splice(0).forEach((timer) => timer.call());
    const sockets = [];
    globalThis.WebSocket = class {
        static OPEN = 1;
        constructor(url) { this.url = url; this.sent = []; this.readyState = 0; sockets.push(this); }
        send(text) { this.sent.push(JSON.parse(text)); }
        close() { this.readyState = 3; this.onclose?.(); }
        open() { this.readyState = 1; this.onopen(); }
        say(message) { this.onmessage({ data: JSON.stringify(message) }); }
    };
    const { subscribe } = await load("live_socket.js");
"""


def _js(body: str) -> Any:
    return run_js(SETTING + body)


def test_two_listeners_of_one_topic_share_one_subscription() -> None:
    sockets, urls, sent, heard = _js("""
        const heard = [];
        subscribe("job:1", { onMessage: (data) => heard.push(["a", data]) });
        subscribe("job:1", { onMessage: (data) => heard.push(["b", data]) });
        sockets[0].open();
        sockets[0].say({ topic: "job:1", data: 7 }); sockets[0].say({ topic: "job:2", data: 8 });
        sockets[0].onmessage({ data: "not json" });
        return [sockets.length, sockets[0].url, sockets[0].sent, heard];
    """)
    assert (sockets, urls) == (1, "wss://trainyard.test/api/v1/live")
    assert sent == [{"subscribe": ["job:1"]}]
    assert heard == [["a", 7], ["b", 7]]


def test_a_topic_wanted_later_is_subscribed_on_the_open_socket_and_given_up_alone() -> None:
    assert _js("""
        subscribe("job:1", {}); sockets[0].open();
        const stop = subscribe("job:2", {}); stop(); stop();
        return sockets[0].sent;
    """) == [{"subscribe": ["job:1"]}, {"subscribe": ["job:2"]}, {"unsubscribe": ["job:2"]}]


def test_after_a_drop_it_comes_back_with_growing_pauses_and_tells_its_listeners() -> None:
    states, delays, sent, opened = _js("""
        const states = []; let opened = 0; const delays = [];
        subscribe("job:1", { onState: (state) => states.push(state), onOpen: () => { opened += 1; } });
        sockets[0].open(); sockets[0].close();
        delays.push(timers.at(-1).delay); ring(); sockets[1].close();
        delays.push(timers.at(-1).delay); ring(); sockets[2].open();
        return [states, delays, sockets[2].sent, opened];
    """)
    assert states == ["connecting", "open", "waiting", "connecting", "waiting", "connecting", "open"]
    assert 375 <= delays[0] <= 625
    assert 750 <= delays[1] <= 1250
    assert sent == [{"subscribe": ["job:1"]}]
    assert opened == 2


def test_an_unused_socket_is_closed_and_a_later_wish_opens_a_new_one() -> None:
    assert _js("""
        const stop = subscribe("job:1", {}); sockets[0].open(); stop();
        const before = sockets[0].readyState; ring();
        const after = sockets[0].readyState; subscribe("job:1", {});
        return [before, after, sockets.length];
    """) == [1, 3, 2]
