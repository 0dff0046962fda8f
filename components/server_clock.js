/* The server's clock as this browser knows it: ages must be right on a phone whose own clock is wrong. */

let ahead = 0; // milliseconds; 0 until the server said what time it is

export const serverNow = () => Date.now() + ahead;

/** The server says that it is now `iso`. */
export function setServerNow(iso) {
  const told = Date.parse(iso);
  if (Number.isFinite(told)) ahead = told - Date.now();
}
