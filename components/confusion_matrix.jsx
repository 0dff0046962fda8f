/* A confusion matrix as a table: colour says how much of a true class went where, the number says how many. */

import React, { useState } from "react";

const percent = (share) => `${share < 0.1 && share > 0 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

function worstPairs(labels, matrix) {
  const pairs = matrix.flatMap((row, truth) => row.map((count, said) => ({ truth, said, count })))
    .filter(({ truth, said, count }) => truth !== said && count > 0);
  return pairs.sort((a, b) => b.count - a.count).slice(0, 3)
    .map(({ truth, said, count }) => `${labels[truth]} taken for ${labels[said]} (${count}\u00d7)`);
}

/** How much colour, in percent. The middle is left out: neither light nor dark numbers could be read on it. */
const strengthOf = (share) => Math.round(share < 0.5 ? 12 + share * 60 : 88 + (share - 0.5) * 24);

function Cell({ count, total, truth, said, labels, lit, onPoint }) {
  const share = total ? count / total : 0;
  const right = truth === said;
  const strength = count === 0 ? 0 : strengthOf(right ? share : Math.min(1, share * 2.5));
  const words = right ? `${labels[truth]} recognised: ${count} of ${total} (${percent(share)})`
    : `${labels[truth]} taken for ${labels[said]}: ${count} of ${total} (${percent(share)})`;
  return (
    <td className="ty-cm-cell" data-right={right} data-lit={lit} data-strong={strength > 50} data-zero={count === 0} title={words} aria-label={words}
      style={{ "--ty-strength": `${strength}%` }} onPointerEnter={() => onPoint([truth, said])}>
      {count === 0 ? "\u00b7" : count}
    </td>
  );
}

export function ConfusionMatrix({ labels = [], matrix = [], ...rest }) {
  const [pointed, setPointed] = useState(null);
  if (!labels.length || matrix.length !== labels.length) return <p {...rest} className="ty-muted">No test figures yet</p>;
  const worst = worstPairs(labels, matrix);
  return (
    <figure {...rest} className="ty-cm">
      <div className="ty-cm-scroll" onPointerLeave={() => setPointed(null)}>
        <span className="ty-cm-axis is-top">predicted</span>
        <span className="ty-cm-axis is-side">true</span>
        <table>
          <caption className="ty-hidden">Confusion matrix: rows are true classes, columns predictions</caption>
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
                    <Cell key={said} {...{ count, total, truth, said, labels }} lit={pointed?.[0] === truth && pointed?.[1] === said} onPoint={setPointed} />
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <figcaption>{worst.length ? `Most confused: ${worst.join(", ")}` : "No mistakes on the test set"}</figcaption>
    </figure>
  );
}
