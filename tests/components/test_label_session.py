"""The editor's session against a server that is played: saving, leases, conflicts, drafts and the way through samples."""

# ruff: noqa: E501 the played server is JavaScript, read line by line

from typing import Any

from tests.components.browser_modules import run_js

SETTING = """
    const { LabelSession } = await load("label_session.js");
    const { saver } = await load("label_saver.js");
    const { sequence } = await load("label_sequence.js");
    const { draftsOf } = await load("label_drafts.js");
    const { Refused, Unreached } = await load("label_api.js");
    const items = new Map();
    const shelf = { get length() { return items.size; }, key: (at) => [...items.keys()][at], getItem: (name) => items.get(name) ?? null,
        setItem: (name, text) => items.set(name, text), removeItem: (name) => items.delete(name) };
    const timers = { due: [], setTimeout: (call, delay) => (timers.due.push({ call, delay }), timers.due.length), clearTimeout: (id) => { if (id) timers.due[id - 1] = null; } };
    const ring = async () => { const due = timers.due.splice(0); for (const one of due) one?.call(); await settle(); };
    const settle = async () => { for (let n = 0; n < 30; n += 1) await null; };
    const made = (id, more = {}) => ({ id, file_type: "image", file_url: id, url: id, width: 100, height: 80, labels: {}, annotations: [], is_labeled: false, etag: `${id}-0`, ...more });
    const store = new Map(["s1", "s2", "s3"].map((id) => [id, made(id)]));
    const calls = []; const fails = []; let leaseHolder = null;
    const refuse = (word, more = {}) => { throw new Refused({ type: `x/${word}`, detail: word, ...more }, 409); };
    const api = {
        sample: async (id) => ({ ...store.get(id) }),
        first: async () => ({ items: [store.get("s1")] }),
        neighbours: async (id, query, limit) => { const ids = [...store.keys()], at = ids.indexOf(id); return { before: ids.slice(0, at).reverse().slice(0, limit).map((one) => store.get(one)), after: ids.slice(at + 1, at + 1 + limit).map((one) => store.get(one)) }; },
        next: async () => { const sample = [...store.values()].find((one) => !one.is_labeled); return sample ? { sample, lease: { token: `t-${sample.id}`, seconds: 75 } } : { sample: null, lease: null }; },
        lease: async (id, body) => { calls.push(["lease", id, body]); if (leaseHolder && !body.take_over) refuse("leased", leaseHolder); return { token: body.token ?? `t-${id}`, seconds: 75 }; },
        release: async (id, token) => { calls.push(["release", id, token]); },
        save: async (id, value, { etag, token }) => {
            calls.push(["save", id, value, etag, token]);
            const fail = fails.shift(); if (fail) fail(id);
            const present = store.get(id);
            if (etag !== present.etag) refuse("precondition-failed", { etag: present.etag });
            const number = Number(present.etag.split("-")[1]) + 1;
            store.set(id, { ...present, labels: value?.labels ?? {}, annotations: value?.annotations ?? [], is_labeled: Boolean(value), etag: `${id}-${number}` });
            return store.get(id);
        },
    };
    let clock = 0;
    const open = (task = "detection", canWrite = true) => new LabelSession({ api, task, canWrite, timers, now: () => (clock += 1),
        samples: sequence({ api, decode: async (url) => url, now: () => clock }), drafts: draftsOf(shelf, "1", "d"), makeSaver: (options) => saver({ ...options, timers }) });
    const box = (id) => ({ id, class: "one", box: [1, 1, 5, 5], attributes: {} });
    const boxes = (...ids) => ({ labels: {}, annotations: ids.map(box) });
    const saves = () => calls.filter(([what]) => what === "save");
"""


def _js(body: str) -> Any:
    return run_js(SETTING + body)


def test_what_was_changed_is_saved_once_on_the_way_and_the_lease_given_back_afterwards() -> None:
    found = _js("""
        const session = open(); await session.open("s1"); await settle();
        session.change(boxes("b1"));
        await session.go(1); await settle();
        return [session.state.sample.id, saves(), calls.filter(([what]) => what === "release"), store.get("s1").annotations.length, items.size];
    """)
    assert found == [
        "s2",
        [
            [
                "save",
                "s1",
                {"labels": {}, "annotations": [{"id": "b1", "class": "one", "box": [1, 1, 5, 5], "attributes": {}}]},
                "s1-0",
                "t-s1",
            ]
        ],
        [["release", "s1", "t-s1"]],
        1,
        0,
    ]


def test_save_and_next_saves_once_also_where_nothing_is_drawn() -> None:
    assert _js("""
        const session = open(); await session.begin(null, {}); await settle();
        const first = session.state.sample.id;
        session.save(); await session.waiting(); await settle();
        return [first, saves().length, store.get("s1").is_labeled, session.state.sample.id];
    """) == ["s1", 1, True, "s2"]


def test_nothing_is_saved_by_looking() -> None:
    assert _js("""
        const session = open(); await session.open("s1"); await session.go(1); await session.go(1); await session.go(-1); await settle();
        return [saves(), session.state.sample.id];
    """) == [[], "s2"]


def test_unreached_server_is_asked_again_with_the_newest_value_and_growing_pauses() -> None:
    found = _js("""
        const gone = () => { throw new Unreached("away"); };
        fails.push(gone, gone);
        const session = open(); await session.open("s1"); await settle(); timers.due.length = 0;
        session.change(boxes("b1")); session.save(); await settle();
        const is = session.state.saving.is; const pauses = [timers.due.at(-1).delay];
        session.change(boxes("b1", "b2")); session.save(); await ring();
        pauses.push(timers.due.at(-1).delay); await ring();
        return [is, pauses, session.state.saving.is, store.get("s1").annotations.length, session.isChanged, items.size];
    """)
    assert found == ["unreached", [500, 1000], "saved", 2, False, 0]


def test_second_save_goes_on_from_the_tag_of_the_first() -> None:
    assert _js("""
        const session = open(); await session.open("s1"); await settle();
        session.change(boxes("b1")); session.save(); session.change(boxes("b1", "b2")); session.save(); await settle();
        return [saves().map((one) => one[3]), store.get("s1").annotations.length, session.state.conflict];
    """) == [["s1-0", "s1-1"], 2, None]


CONFLICT = """
    const session = open(); await session.open("s1"); await settle();
    store.set("s1", made("s1", { annotations: [box("theirs")], is_labeled: true, etag: "s1-7" }));
    session.change(boxes("mine")); session.save(); await settle();
    const told = [session.state.conflict.theirs.annotations[0].id, session.state.conflict.mine.annotations[0].id, session.canEdit, items.size];
"""


def test_others_change_is_told_and_theirs_can_be_taken() -> None:
    assert _js(
        CONFLICT
        + """
        session.takeTheirs(); await settle();
        return [...told, session.value.annotations[0].id, session.isChanged, items.size, saves().length];
    """
    ) == ["theirs", "mine", False, 1, "theirs", False, 0, 1]


def test_others_change_is_told_and_mine_is_kept_on_top_and_saved_when_i_say_so() -> None:
    assert _js(
        CONFLICT
        + """
        session.keepMine(); await settle();
        const before = [session.value.annotations[0].id, saves().length];
        session.save(); await settle();
        return [...told, ...before, store.get("s1").annotations[0].id, session.state.conflict, items.size];
    """
    ) == ["theirs", "mine", False, 1, "mine", 1, "mine", None, 0]


def test_sample_of_another_is_shown_and_not_changed_until_it_is_free() -> None:
    assert _js("""
        leaseHolder = { holder: "Bob", until: null, yours: false };
        const session = open(); await session.open("s1"); await settle();
        session.change(boxes("b1"));
        const seen = [session.state.lease.is, session.state.lease.holder, session.canEdit, session.isChanged];
        store.set("s1", made("s1", { annotations: [box("theirs")], is_labeled: true, etag: "s1-1" }));
        leaseHolder = null; await ring();
        return [...seen, session.state.lease.is, session.canEdit, session.value.annotations[0].id];
    """) == ["refused", "Bob", False, False, "held", True, "theirs"]


def test_lost_lease_is_told_at_once_and_the_changes_become_a_draft_that_comes_back() -> None:
    assert _js("""
        const session = open(); await session.open("s1"); await settle();
        session.change(boxes("b1"));
        leaseHolder = { holder: "Ada", until: null, yours: true };
        session.leaseMoved("s1"); await settle();
        const told = [session.state.lease.is, session.state.lease.yours, session.canEdit, items.size, session.save()];
        await session.reclaim({ takeOver: true }); await settle();
        return [...told, session.state.lease.is, session.value.annotations.length];
    """) == ["lost", True, False, 1, False, "held", 1]


def test_draft_of_this_state_goes_on_and_one_of_an_older_state_is_only_offered() -> None:
    assert _js("""
        let session = open(); await session.open("s1"); await settle(); session.change(boxes("b1")); session.end();
        session = open(); await session.open("s1"); await settle();
        const back = [session.value.annotations.length, session.isChanged, session.state.offer]; session.end();
        store.set("s1", made("s1", { etag: "s1-9" }));
        session = open(); await session.open("s1"); await settle();
        const offered = [session.value.annotations.length, session.state.offer.value.annotations.length];
        session.takeOffer();
        const taken = session.value.annotations.length; session.undo(); session.dropOffer();
        return [...back, ...offered, taken, session.value.annotations.length, items.size];
    """) == [1, True, None, 0, 1, 1, 0, 0]


def test_read_ahead_samples_are_few_and_the_next_one_is_here_already() -> None:
    assert _js("""
        for (let n = 4; n < 60; n += 1) store.set(`s${n}`, made(`s${n}`));
        const decoded = []; const samples = sequence({ api, decode: async (url) => (decoded.push(url), url), now: () => clock });
        const session = new LabelSession({ api, task: "detection", canWrite: false, timers, now: () => 0, samples, drafts: draftsOf(shelf, "1", "d"), makeSaver: (options) => saver({ ...options, timers }) });
        await session.open("s1");
        const ahead = decoded.slice();
        for (let n = 0; n < 30; n += 1) await session.go(1);
        return [ahead.sort(), session.state.sample.id, samples.size <= 14, new Set(decoded).size === decoded.length];
    """) == [["s1", "s2", "s3", "s4"], "s31", True, True]


def test_class_is_asked_for_before_a_classification_is_saved() -> None:
    assert _js("""
        const session = open("classification"); await session.open("s1"); await settle();
        const refused = session.save();
        session.change({ labels: { class: "one" }, annotations: [] });
        const saved = session.save(); await settle();
        return [refused, saved, store.get("s1").labels, saves().length];
    """) == [False, True, {"class": "one"}, 1]


def test_lease_that_was_just_taken_over_is_not_lost_to_a_question_asked_before() -> None:
    """The live channel speaks of the taking over before its own answer is here."""
    assert _js("""
        leaseHolder = { holder: "Ada", until: null, yours: true };
        const session = open(); await session.open("s1"); await settle();
        const answers = []; const lease = api.lease;
        api.lease = async (id, body) => { await new Promise((go) => answers.push(go)); if (body.token) return { token: body.token, seconds: 75 }; return lease(id, body); };
        session.reclaim({ takeOver: true }); await settle(); session.leaseMoved("s1"); await settle();
        while (answers.length) { answers.shift()(); await settle(); }
        return [session.state.lease.is, session.canEdit];
    """) == ["held", True]


def test_what_is_drawn_while_the_sample_is_read_again_is_not_lost() -> None:
    assert _js("""
        leaseHolder = { holder: "Bob", until: null, yours: false };
        const session = open(); await session.open("s1"); await settle();
        store.set("s1", made("s1", { annotations: [box("theirs")], is_labeled: true, etag: "s1-7" })); leaseHolder = null;
        let answer; const read = api.sample;
        api.sample = async (id) => { await new Promise((go) => (answer = go)); return read(id); };
        session.reclaim(); await settle();
        session.change(boxes("mine"));
        answer(); await settle();
        return [session.state.conflict?.mine.annotations[0].id, session.state.conflict?.theirs.annotations[0].id];
    """) == ["mine", "theirs"]
