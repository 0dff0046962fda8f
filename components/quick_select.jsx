/* A select whose value the server holds, and which shows what was chosen at once.
 *
 * React puts a controlled select back to its old value until the new one has come from the server: what was chosen jumps
 * away for the time of a round trip, and a form that is sent in it lacks a required field. Here the choice stays, and the
 * server's word counts when it says something else.
 */

import React, { useEffect, useState } from "react";

export function QuickSelect({ value, onChange, children, ...rest }) {
  const [shown, setShown] = useState(value);
  useEffect(() => setShown(value), [value]);
  const choose = (event) => {
    setShown(event.target.value);
    onChange?.(event.target.value);
  };
  return <select {...rest} value={shown} onChange={choose}>{children}</select>;
}
