// A token service for docker-registry: whoever gives the right password may do what is asked, strangers may read `open/`.
import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { makeCertificate } from "./lab.ts";

export interface TokenService extends AsyncDisposable {
  readonly realm: string;
  readonly bundle: string;
  /** Scopes of every token that was asked for. */
  readonly asked: string[];
}

export async function startTokenService(
  folder: string,
  pair: string,
  lifeSeconds = 60,
): Promise<TokenService> {
  const { cert, key } = makeCertificate(folder);
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", "http://localhost");
    const scopes = url.searchParams.getAll("scope");
    asked.push(scopes.join(" "));
    const { authorization } = incoming.headers;
    const isKnown = authorization === `Basic ${Buffer.from(pair).toString("base64")}`;
    if (authorization !== undefined && !isKnown) {
      outgoing.writeHead(401).end("{}");
      return;
    }
    const access = scopes.flatMap((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      const granted = actions
        .split(",")
        .filter((action) => isKnown || (action === "pull" && name.startsWith("open/")));
      return granted.length > 0 ? [{ type, name, actions: granted }] : [];
    });
    outgoing.setHeader("Content-Type", "application/json");
    outgoing.end(
      JSON.stringify({ token: sign({ cert, key, access, lifeSeconds }), expires_in: lifeSeconds }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    bundle: join(folder, "cert.pem"),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sign(wish: {
  readonly cert: string;
  readonly key: string;
  readonly access: unknown;
  readonly lifeSeconds: number;
}): string {
  const der = readFileSync(wish.cert, "utf8").replaceAll(/-----[A-Z ]+-----|\s/g, "");
  const now = Math.floor(Date.now() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = part({ typ: "JWT", alg: "RS256", x5c: [der] });
  const claims = part({
    iss: "test",
    sub: "me",
    aud: "test",
    exp: now + wish.lifeSeconds,
    nbf: now - 10,
    iat: now,
    jti: String(Math.random()),
    access: wish.access,
  });
  const signature = createSign("RSA-SHA256").update(`${head}.${claims}`).sign(readFileSync(wish.key));
  return `${head}.${claims}.${signature.toString("base64url")}`;
}
