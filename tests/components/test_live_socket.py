"""One socket per tab: a topic is subscribed once, comes back after a drop, and nobody keeps an unused socket open.

And what a page is told of it: once when the server watches, then at most once per pause, always the last message.
"""

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
    const isPatient = (timer) => timer.delay >= 45000; // what waits for a silent link
    const soon = () => timers.filter((timer) => !isPatient(timer));
    const ring = () => {
        const due = soon();
        timers.splice(0, Infinity, ...timers.filter(isPatient));
        due.forEach((timer) => timer.call());
    };
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
    const { listen } = await load("live_listen.js");
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
        sockets[0].open(); sockets[0].say({ subscribed: ["job:1"] }); sockets[0].close();
        delays.push(timers.at(-1).delay); ring(); sockets[1].close();
        delays.push(timers.at(-1).delay); ring(); sockets[2].open(); sockets[2].say({ subscribed: ["job:1"] });
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


def test_a_topic_is_open_when_the_server_says_that_it_watches_it_and_not_before() -> None:
    assert _js("""
        const told = []; const tell = (name) => ({ onOpen: () => told.push(name) });
        subscribe("jobs", tell("first")); sockets[0].open(); subscribe("secrets", tell("never"));
        told.push("asked"); sockets[0].say({ subscribed: ["jobs"] }); sockets[0].say({ subscribed: [] });
        subscribe("jobs", tell("second")); await null;
        return told;
    """) == ["asked", "first", "second"]


def test_the_answer_to_an_older_question_does_not_count_for_a_newer_one() -> None:
    """Given up and wanted again: between both the server did not watch."""
    assert _js("""
        const told = [];
        const stop = subscribe("jobs", { onOpen: () => told.push("given up") }); sockets[0].open(); stop();
        subscribe("jobs", { onOpen: () => told.push("wanted") });
        sockets[0].say({ subscribed: ["jobs"] }); told.push("first answer"); sockets[0].say({ subscribed: ["jobs"] });
        return told;
    """) == ["first answer", "wanted"]


def test_a_page_looks_again_once_its_topics_are_watched_and_anew_after_a_drop() -> None:
    assert _js("""
        const told = [];
        const handlers = { onMessage: (...heard) => told.push(heard), onReconnect: () => told.push("anew") };
        listen(["jobs", "edges", "ping"], 1000, () => handlers);
        const open = (socket) => { socket.open(); socket.say({ subscribed: ["jobs", "edges"] }); };
        open(sockets[0]); told.push("watched"); ring();
        sockets[0].close(); ring(); open(sockets[1]); ring();
        return told;
    """) == ["watched", ["edges", {}], "anew"]


def test_a_burst_is_told_once_with_its_last_message_and_curves_not_at_all() -> None:
    told, first, second = _js("""
        const told = []; let now = 0; performance.now = () => now;
        const stop = listen(["jobs"], 1000, () => ({ onMessage: (...heard) => told.push(heard) }));
        const say = (data) => sockets[0].say({ topic: "jobs", data });
        sockets[0].open(); say({ x: 1 }); say({ x: 2, points: [1] }); say({ points: [2] });
        const first = soon()[0].delay; ring(); now = 200; say({ x: 3 });
        const second = soon()[0].delay; stop(); ring();
        return [told, first, second];
    """)
    assert told == [["jobs", {"x": 2}]]
    assert first < 100
    assert second == 800


def test_a_link_that_is_silent_for_too_long_is_given_up_and_taken_up_again() -> None:
    states, sent, count = _js("""
        const states = [];
        subscribe("jobs", { onState: (state) => states.push(state) });
        sockets[0].open(); sockets[0].say({ subscribed: ["jobs"] });
        timers.find(isPatient).call();
        ring(); sockets[1].open(); sockets[0].onclose?.();
        return [states, sockets[1].sent, sockets.length];
    """)
    assert states == ["connecting", "open", "waiting", "connecting", "open"]
    assert sent == [{"subscribe": ["jobs"]}]
    assert count == 2


def test_ages_count_from_the_clock_of_the_server() -> None:
    assert _js("""
        const { serverNow } = await load("server_clock.js");
        Date.now = () => 1000000;
        subscribe("jobs", {}); sockets[0].open();
        const before = serverNow();
        sockets[0].say({ subscribed: ["jobs"], now: new Date(1090000).toISOString() });
        const after = serverNow();
        sockets[0].say({ subscribed: ["jobs"], now: "rubbish" });
        return [before, after, serverNow()];
    """) == [1000000, 1090000, 1090000]
