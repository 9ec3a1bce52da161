import { LighterError } from "#base";
import type { Host } from "#host";
import type { Credentials } from "./credentials.ts";

/** What a helper reads and writes. @see https://github.com/docker/docker-credential-helpers#development */
interface HelperEntry {
  readonly ServerURL: string;
  readonly Username: string;
  readonly Secret: string;
}

type Programs = Pick<Host, "processes">;
const patienceMs = 60_000;

export async function getFromHelper(
  host: Programs,
  helper: string,
  key: string,
): Promise<Credentials | undefined> {
  const { status, stdout, stderr } = await call(host, helper, { verb: "get", input: key });
  const output = stdout.toString();
  if (status !== 0) {
    if (/credentials not found|no credentials/i.test(output)) return undefined;
    throw failed(helper, `get credentials for "${key}"`, output || stderr.toString());
  }
  const { Username: username, Secret: secret } = parseEntry(helper, output);
  if (username === "" && secret === "") return undefined;
  // The name that says: the secret is a refresh token.
  if (username === "<token>") return { kind: "identity", username, token: secret };
  return { kind: "password", username, password: secret };
}

export async function storeInHelper(host: Programs, helper: string, entry: HelperEntry): Promise<void> {
  const { status, stdout, stderr } = await call(host, helper, {
    verb: "store",
    input: JSON.stringify(entry),
  });
  if (status !== 0)
    throw failed(
      helper,
      `store credentials for "${entry.ServerURL}"`,
      stdout.toString() || stderr.toString(),
    );
}

export async function eraseFromHelper(host: Programs, helper: string, key: string): Promise<void> {
  const { status, stdout, stderr } = await call(host, helper, { verb: "erase", input: key });
  const output = stdout.toString();
  if (status !== 0 && !/not found/i.test(output))
    throw failed(helper, `erase credentials for "${key}"`, output || stderr.toString());
}

function call(host: Programs, helper: string, request: { readonly verb: string; readonly input: string }) {
  if (!/^[\w.-]+$/.test(helper)) throw failed(helper, "start it", "its name is no program's");
  return host.processes.run(`docker-credential-${helper}`, [request.verb], {
    input: request.input,
    timeoutMs: patienceMs,
  });
}

function parseEntry(helper: string, text: string): HelperEntry {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "Username" in value && "Secret" in value)
      if (typeof value.Username === "string" && typeof value.Secret === "string")
        return { ServerURL: "", Username: value.Username, Secret: value.Secret };
  } catch {
    // The error below says it.
  }
  throw failed(helper, "read credentials", "its answer is not what a credential helper prints");
}

function failed(helper: string, what: string, why: string): LighterError {
  return new LighterError(
    "CREDENTIALS_INVALID",
    `cannot ${what}: docker-credential-${helper} failed: ${why.trim().split("\n")[0] ?? ""}; repair it or change config.json`,
    { details: { helper } },
  );
}
