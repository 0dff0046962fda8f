/* What the editor has to tell: over the stage, so that nothing moves. Each note says what happened and what can be done. */

import React from "react";

const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const counted = (value, task) => {
  if (!value) return "…";
  if (task === "detection") return value.annotations.length === 1 ? "1 box" : `${value.annotations.length} boxes`;
  return value.labels.class ?? (value.labels.classes?.join(", ") || "no class");
};

function Note({ tone, testId, children, actions }) {
  return (
    <div className="ty-callout ty-label-note" data-accent-color={tone} data-testid={testId} role={tone === "red" ? "alert" : "status"}>
      <div className="ty-callout-text">{children}</div>
      <span className="ty-label-note-actions">{actions}</span>
    </div>
  );
}

const Button = ({ quiet = false, ...rest }) => <button type="button" className={quiet ? "ty-button is-quiet" : "ty-button"} {...rest} />;

function Lease({ lease, isChanged, session }) {
  if (lease.is === "unsure") return <Note tone="amber" testId="label-lease">The server does not answer. Go on: what you draw is kept here and saved when it is back.</Note>;
  if (!["refused", "lost"].includes(lease.is)) return null;
  const where = lease.yours ? "You have this sample open in another tab or on another device." : `${lease.holder || "Somebody"} has this sample open${lease.until ? `, for now until ${clock(lease.until)}` : ""}.`;
  const what = lease.is === "lost" ? `It is no longer yours.${isChanged ? " What you changed is kept as a draft in this browser." : ""}` : "You can look at it and not change it.";
  const actions = lease.yours
    ? <Button onClick={() => session.reclaim({ takeOver: true })} data-testid="lease-take-over">Work here instead</Button>
    : <><Button quiet onClick={() => session.reclaim()} data-testid="lease-again">Try again</Button><Button onClick={() => session.waiting()}>Next that waits</Button></>;
  return <Note tone="amber" testId="label-lease" actions={actions}><strong>{where}</strong>{what}</Note>;
}

export function Notes({ state, session, task, onCompare, compares }) {
  const { offer, conflict, elsewhere, notice, sample } = state;
  return (
    <div className="ty-label-notes">
      {conflict && (
        <Note tone="red" testId="label-conflict" actions={<>
          <Button quiet aria-pressed={compares} onClick={onCompare}>{compares ? "Look at mine" : "Look at theirs"}</Button>
          <Button quiet onClick={() => session.takeTheirs()} data-testid="take-theirs">Take theirs</Button>
          <Button onClick={() => session.keepMine()} data-testid="keep-mine">Keep mine, on top</Button>
        </>}>
          <strong>Somebody changed this sample while you worked on it.</strong>
          Theirs: {counted(conflict.theirs, task)}. Yours: {counted(conflict.mine, task)}. Nothing of yours was saved, and nothing is lost yet.
        </Note>
      )}
      {sample && <Lease lease={state.lease} isChanged={session.isChanged} session={session} />}
      {offer && !conflict && (
        <Note tone="blue" testId="label-draft" actions={<>
          <Button quiet onClick={() => session.dropOffer()} data-testid="draft-drop">Forget it</Button>
          <Button disabled={!session.canEdit} onClick={() => session.takeOffer()} data-testid="draft-take">Use it</Button>
        </>}>
          <strong>There is a draft of yours from {new Date(offer.at).toLocaleString()}.</strong>
          It was not saved, and the sample has changed since. Draft: {counted(offer.value, task)}.
        </Note>
      )}
      {elsewhere && (
        <Note tone="red" testId="label-elsewhere" actions={<>
          <Button quiet onClick={() => session.dismissElsewhere()}>Close</Button>
          <Button onClick={() => { session.dismissElsewhere(); void session.open(elsewhere.id, { fresh: true }); }}>Open it</Button>
        </>}>
          <strong>A sample that you left could not be saved.</strong>{elsewhere.message} What you drew is kept as a draft.
        </Note>
      )}
      {notice && <Note tone="gray" testId="label-notice" actions={<Button quiet onClick={session.dismiss} aria-label="Close the note">×</Button>}>{notice}</Note>}
    </div>
  );
}
