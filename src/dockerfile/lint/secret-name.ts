const secretWords =
  /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmlessWords = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** Whether a variable of that name is likely to hold a secret: BuildKit's words, between underscores. */
export function isSecretName(name: string): boolean {
  return secretWords.test(name) && !harmlessWords.test(name);
}
