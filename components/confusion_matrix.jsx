/* A confusion matrix as a table: colour says how much of a true class went where, the number says how many. */

import React, { useState } from "react";

const percent = (share) => `${share < 0.1 && share > 0 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

function worstPairs(labels, matrix, mutual, verb) {
  const pairs = matrix.flatMap((row, truth) => row.map((count, said) => ({ truth, said, count })))
    .filter(({ truth, said, count }) => truth !== said && count > 0 && (!mutual || truth < said));
  return pairs.sort((a, b) => b.count - a.count).slice(0, 3)
    .map(({ truth, said, count }) => `${labels[truth]} ${verb} ${labels[said]} (${count}\u00d7)`);
}

/** What a cell says in words: of a model and the truth, or of two people of whom neither is the measure. */
function wordsOf(one, other, count, share, { mutual, people, down, across }) {
  if (people && !mutual) return `${down}: ${one}, ${across}: ${other}: ${count}`;
  if (mutual) return one === other ? `Both said ${one}: ${count}` : `One said ${one}, the other ${other}: ${count}`;
  return one === other ? `${one} recognised: ${count} (${percent(share)} of its row)` : `${one} taken for ${other}: ${count} (${percent(share)} of its row)`;
}

/** How much colour, in percent. The middle is left out: neither light nor dark numbers could be read on it. */
const strengthOf = (share) => Math.round(share < 0.5 ? 12 + share * 60 : 88 + (share - 0.5) * 24);

function Cell({ count, total, truth, said, labels, lit, onPoint, onOpen, ...sides }) {
  const share = total ? count / total : 0;
  const right = truth === said;
  const strength = count === 0 ? 0 : strengthOf(right ? share : Math.min(1, share * 2.5));
  const words = wordsOf(labels[truth], labels[said], count, share, sides);
  return (
    <td className="ty-cm-cell" data-right={right} data-lit={lit} data-strong={strength > 50} data-zero={count === 0} title={words} aria-label={words}
      style={{ "--ty-strength": `${strength}%` }} onPointerEnter={() => onPoint([truth, said])}>
      {count === 0 ? "\u00b7" : onOpen ? (
        <button type="button" className="ty-cm-open" aria-label={`${words}. Show the samples`} onClick={() => onOpen(labels[truth], labels[said])}>{count}</button>
      ) : count}
    </td>
  );
}

export function ConfusionMatrix({ labels = [], matrix = [], down = "true", across = "predicted", mutual = false, people = false, onOpen, ...rest }) {
  const [pointed, setPointed] = useState(null);
  if (!labels.length || matrix.length !== labels.length) return <p {...rest} className="ty-muted">No figures yet</p>;
  const worst = worstPairs(labels, matrix, mutual, people ? "and" : "taken for");
  return (
    <figure {...rest} className="ty-cm">
      <div className="ty-cm-scroll" onPointerLeave={() => setPointed(null)}>
        <span className="ty-cm-axis is-top">{across}</span>
        <span className="ty-cm-axis is-side">{down}</span>
        <table>
          <caption className="ty-hidden">{`Confusion matrix: rows ${down}, columns ${across}`}</caption>
          <thead>
            <tr>
              <td />
              {labels.map((label, said) => <th key={label} scope="col" data-lit={pointed?.[1] === said} title={label}>{label}</th>)}
            </tr>
          </thead>
          <tbody>
            {matrix.map((row, truth) => {
              const total = row.reduce((sum, count) => sum + count, 0);
              return (
                <tr key={labels[truth]}>
                  <th scope="row" data-lit={pointed?.[0] === truth} title={labels[truth]}>{labels[truth]}</th>
                  {row.map((count, said) => (
                    <Cell key={said} {...{ count, total, truth, said, labels, onOpen, mutual, people, down, across }} lit={pointed?.[0] === truth && pointed?.[1] === said} onPoint={setPointed} />
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <figcaption>{worst.length ? `Most confused: ${worst.join(", ")}` : "Nothing was confused"}</figcaption>
    </figure>
  );
}
