/* Why single sign-on did not work, in words. The API sends only a code: nothing that a provider, or whoever wrote the
 * address, says is shown.
 */

const WORDS = {
  "oidc-expired": "This sign-in took longer than ten minutes, is used up, or was begun in another browser. Start again.",
  "oidc-declined": "The sign-in was cancelled at the identity provider. Nobody was signed in.",
  "oidc-off": "Single sign-on is not set up on this server. Sign in with your password.",
  "oidc-unavailable": "The identity provider does not answer as it should. Try again in a moment; if it stays so, tell whoever runs this server.",
  "oidc-invalid": "The identity provider's answer could not be verified, so nobody was signed in. Try again; if it stays so, tell whoever runs this server.",
  "oidc-unmapped": "Your account at the identity provider gives you no access to Trainyard. Whoever manages access there can change that.",
  "oidc-organization": "Your organization does not exist in Trainyard yet. Ask a super admin to create it.",
  "oidc-email": "Your account at the identity provider has no e-mail address that can be used here, or somebody else's account has it. Sign in with your password, or ask a super admin.",
  "oidc-deactivated": "Your account is deactivated. A super admin can activate it again.",
  "oidc-last-admin": "The identity provider no longer makes you a super admin, but you are the last one here. Sign in with your password, and make somebody else a super admin first.",
  "oidc-again": "Your account was changed at the same moment. Try again.",
};
const OTHERWISE = "Single sign-on did not work. Try again, or sign in with your password.";

/** What to tell somebody about a code. */
export const inWords = (code) => (Object.hasOwn(WORDS, code) ? WORDS[code] : OTHERWISE);
