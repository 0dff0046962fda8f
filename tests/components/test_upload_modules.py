"""What an upload is made of: portions and sums, requests and their retries, and what the browser remembers."""

# ruff: noqa: E501 the played browser is JavaScript, read line by line

import pytest

from tests.components.browser_modules import run_js

PLAN = """
    const { entriesOf, nextBatch, totals, inParallel, BATCH_FILES, BATCH_BYTES, LARGEST_BYTES } = await load("upload_plan.js");
    const file = (path, size = 10, type = "") => ({ path, file: { size, type, lastModified: 1 } });
"""
NETWORK = """
    const { Failure, pauseBefore, persistently, put, post, sleep, online } = await load("upload_network.js");
    const caught = async (work) => work.then(() => null, ({ name, message, again, expired, status, wait }) => ({ name, message, again, expired, status, wait }));
    let request; const status = { is: 200 };
    globalThis.XMLHttpRequest = class { constructor() { request = this; this.upload = {}; } open(...how) { this.how = how; } send(body) { this.body = body; }
        abort() { this.onabort(); } getResponseHeader() { return "tag"; } answer(code) { this.status = code; this.onload(); } };
    const replies = (code, body, headers = {}) => { globalThis.fetch = async (path, how) => { globalThis.asked = [path, how]; return new Response(JSON.stringify(body), { status: code, headers }); }; };
    globalThis.setTimeout = (call, delay) => { waits.push(delay); queueMicrotask(call); }; const waits = [];
"""
# As much of IndexedDB as is used: one store, keys that are arrays, and answers that come later.
MEMORY = """
    const { memoryOf, mark } = await load("upload_memory.js");
    const rows = new Map(); const later = (request, result) => { queueMicrotask(() => { request.result = result; request.onsuccess?.(); }); return request; };
    const within = ([from, to]) => [...rows.keys()].filter((key) => { const [dataset, rest] = JSON.parse(key); return dataset === from[0] && rest >= from[1] && rest <= to[1]; });
    globalThis.IDBKeyRange = { bound: (from, to) => [from, to] };
    const store = { get: (key) => later({}, rows.get(JSON.stringify(key))), put: (value, key) => void rows.set(JSON.stringify(key), value),
        delete: (range) => within(range).forEach((key) => rows.delete(key)), count: (range) => later({}, within(range).length) };
    const transaction = () => { const made = { objectStore: () => store }; queueMicrotask(() => queueMicrotask(() => made.oncomplete?.())); return made; };
    globalThis.indexedDB = { open: () => later({}, { transaction, close() {} }) };
"""


def test_portion_holds_so_many_files_or_bytes_and_a_video_or_a_larger_file_is_alone() -> None:
    found = run_js(
        PLAN
        + """
        const sizes = (files) => { const entries = entriesOf(files), batches = []; for (let batch = nextBatch(entries); batch.length; batch = nextBatch(entries)) { batches.push(batch.length); batch.forEach((entry) => (entry.state = "done")); } return batches; };
        const half = LARGEST_BYTES;
        return [sizes(Array.from({ length: BATCH_FILES + 1 }, (_, at) => file(`${1000 + at}.jpg`))),
            sizes(["a", "b", "c"].map((name) => file(`${name}.jpg`, half))), BATCH_BYTES / half >= 2,
            sizes([file("a.jpg"), file("b.mp4"), file("c.jpg"), file("d.jpg")])];
        """
    )
    assert found == [[200, 1], [2, 1], True, [1, 1, 2]]


def test_what_cannot_go_in_is_refused_before_it_is_sent_and_litter_is_not_named() -> None:
    found = run_js(
        PLAN
        + """
        const files = [file("a/.DS_Store"), file("__MACOSX/x.jpg"), file("empty.jpg", 0), file("list.csv"), file("old.wmv"), file("huge.jpg", LARGEST_BYTES + 1), file("huge.mp4", LARGEST_BYTES + 1), file("ok.jpg")];
        return entriesOf(files).map(({ path, state, code }) => [path, state, code]);
        """
    )
    assert found == [
        ["empty.jpg", "refused", "empty"],
        ["huge.jpg", "refused", "too-large"],
        ["huge.mp4", "waiting", ""],
        ["list.csv", "refused", "not-an-image"],
        ["ok.jpg", "waiting", ""],
        ["old.wmv", "refused", "not-an-image"],
    ]


def test_sum_counts_what_is_sent_of_each_file_and_leaves_out_what_is_never_sent() -> None:
    found = run_js(
        PLAN
        + """
        const entries = entriesOf([file("a.jpg"), file("b.jpg"), file("c.jpg"), file("d.jpg"), file("e.txt", 99)]);
        Object.assign(entries[0], { state: "sending", sent: 4 }); entries[1].state = "done"; Object.assign(entries[2], { state: "refused", sent: 10 });
        const { waiting, sending, done, refused, all, bytes, sent, settled } = totals(entries);
        return [waiting, sending, done, refused, all, bytes, sent, settled];
        """
    )
    assert found == [1, 1, 1, 2, 5, 40, 24, 3]


def test_no_more_work_is_done_at_once_than_was_said_and_the_first_failure_is_told() -> None:
    found = run_js(
        PLAN
        + """
        let now = 0, most = 0; const done = [];
        await inParallel([1, 2, 3, 4, 5], 2, async (item) => { most = Math.max(most, (now += 1)); await null; now -= 1; done.push(item); });
        const failed = await inParallel([1, 2], 2, async (item) => { if (item === 2) throw new Error("two"); }).catch((failure) => failure.message);
        return [most, done.length, failed];
        """
    )
    assert found == [2, 5, "two"]


def test_pauses_double_up_to_half_a_minute_and_differ_from_person_to_person() -> None:
    assert run_js(
        NETWORK
        + "return [0, 1, 2, 20].flatMap((number) => [pauseBefore(number, () => 0), pauseBefore(number, () => 1)]);"
    ) == [250, 500, 500, 1000, 1000, 2000, 15000, 30000]


@pytest.mark.parametrize(
    ("status", "again", "expired"),
    [
        (403, False, True),
        (400, False, True),
        (503, True, False),
        (429, True, False),
        (408, True, False),
        (404, False, False),
    ],
)
def test_answer_of_the_store_says_whether_to_try_again_or_to_ask_for_a_new_address(
    status: int, again: bool, expired: bool
) -> None:
    found = run_js(
        NETWORK + "const end = caught(put('u', 'body')); request.answer(given); return await end;", given=status
    )
    assert (found["status"], found["again"], found["expired"]) == (status, again, expired)


def test_put_tells_what_was_sent_and_gives_the_tag() -> None:
    assert run_js(
        NETWORK
        + """
        const sent = []; const end = put("u", "body", { onSent: (bytes) => sent.push(bytes) });
        request.upload.onprogress({ loaded: 3 }); request.answer(200);
        return [await end, sent, request.how, request.body];
        """
    ) == ["tag", [3], ["PUT", "u"], "body"]


def test_lost_store_is_worth_another_try_and_a_pause_is_none() -> None:
    found = run_js(
        NETWORK
        + """
        const lost = caught(put("u", "body")); request.onerror();
        const controller = new AbortController(); const paused = caught(put("u", "body", { signal: controller.signal })); controller.abort();
        return [(await lost).again, (await paused).name, (await caught(put("u", "body", { signal: controller.signal }))).name];
        """
    )
    assert found == [True, "AbortError", "AbortError"]


def test_answer_of_the_server_is_told_in_its_own_words_with_how_long_to_wait() -> None:
    found = run_js(
        NETWORK
        + """
        replies(429, { detail: "Too many requests." }, { "retry-after": "7" }); const busy = await caught(post("/p", {}));
        replies(403, { detail: "The plan is full." }); const full = await caught(post("/p", {}));
        replies(401, { detail: "x" }); const out = await caught(post("/p", {}));
        globalThis.fetch = async () => { throw new TypeError("network"); }; const lost = await caught(post("/p", {}));
        replies(201, { made: 1 }); const made = await post("/p", { a: 1 }, { key: "k" });
        return [busy, full.again, full.message, out.message.startsWith("You are signed out."), [lost.again, lost.message], made, asked[1].headers["idempotency-key"], asked[1].body];
        """
    )
    busy = {"name": "Failure", "message": "Too many requests.", "again": True, "expired": False, "status": 429}
    assert found == [
        {**busy, "wait": 7000},
        False,
        "The plan is full.",
        True,
        [True, "The server cannot be reached."],
        {"made": 1},
        "k",
        '{"a":1}',
    ]


def test_what_can_succeed_is_tried_until_it_does_and_the_trouble_is_told_and_taken_back() -> None:
    assert run_js(
        NETWORK
        + """
        let left = 2; const told = [];
        const result = await persistently(async () => { if (left-- > 0) throw new Failure("away", { again: true, wait: left ? 9000 : 0 }); return "in"; }, { onTrouble: (text) => told.push(text), random: () => 1 });
        const never = await caught(persistently(async () => { throw new Failure("no", {}); }));
        return [result, told, waits, never.message];
        """
    ) == ["in", ["away", "away", ""], [9000, 1000], "no"]


def test_nothing_is_tried_before_the_browser_is_online_again() -> None:
    found = run_js(
        NETWORK
        + """
        Object.defineProperty(globalThis, "navigator", { value: { onLine: false }, configurable: true });
        const listening = []; globalThis.addEventListener = (name, call) => listening.push(call); globalThis.removeEventListener = () => {};
        let tries = 0; const end = persistently(async () => { tries += 1; if (tries === 1) throw new Failure("away", { again: true }); return tries; });
        while (!listening.length) await new Promise(setImmediate);
        const before = [tries, waits.length]; listening[0]();
        return [...before, await end];
        """
    )
    assert found == [1, 0, 2]


def test_memory_knows_a_file_by_path_size_and_time_for_a_week_and_each_dataset_has_its_own() -> None:
    found = run_js(
        MEMORY
        + """
        let now = 1000; const one = memoryOf("d1", () => now), other = memoryOf("d2", () => now);
        const entry = (path, lastModified = 1) => mark({ path, size: 5, file: { lastModified } });
        await one.remember([[entry("a.jpg"), { state: "done", code: "", message: "" }]]);
        await other.remember([[entry("b.jpg"), { state: "done", code: "", message: "" }]]);
        const asks = [entry("a.jpg"), entry("a.jpg", 2), entry("b.jpg")];
        const known = async (memory) => [...(await memory.known(asks)).keys()].map((key) => key.split("\\n")[0]);
        const fresh = [await known(one), await known(other), await one.count()];
        now += 8 * 24 * 3600 * 1000; const old = await known(one); now = 1000;
        await one.forget();
        return [...fresh, old, await one.count(), await other.count()];
        """
    )
    assert found == [["a.jpg"], ["b.jpg"], 1, [], 0, 1]


def test_browser_that_keeps_nothing_remembers_nothing_and_never_fails() -> None:
    assert run_js(
        MEMORY
        + """
        globalThis.indexedDB = { open: () => { throw new Error("private"); } };
        const memory = memoryOf("d1"); await memory.remember([["m", { state: "done" }]]); await memory.forget();
        return [(await memory.known(["m"])).size, await memory.count()];
        """
    ) == [0, 0]
