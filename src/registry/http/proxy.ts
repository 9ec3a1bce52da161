import { request } from "node:http";
import { isIP, type Socket } from "node:net";
import { isInNetwork, splitHost } from "./address.ts";

/**
 * The proxy for an address, as curl and Go read the environment: lower case first, `NO_PROXY` with names, suffixes,
 * addresses, CIDRs and `*`; loopback never goes through one.
 */
export function findProxy(url: URL, env: Readonly<Record<string, string>>): URL | undefined {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const text = (url.protocol === "https:" ? read("HTTPS_PROXY") : read("HTTP_PROXY")) ?? read("ALL_PROXY");
  if (text === undefined || isExcluded(url, read("NO_PROXY") ?? "")) return undefined;
  try {
    const proxy = new URL(/^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`);
    return proxy.protocol === "http:" ? proxy : undefined;
  } catch {
    return undefined;
  }
}

function isExcluded(url: URL, rules: string): boolean {
  const { name } = splitHost(url.host);
  if (name === "localhost" || name === "::1" || isInNetwork(name, "127.0.0.0/8")) return true;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return rules
    .split(",")
    .map((rule) => rule.trim().toLowerCase())
    .filter((rule) => rule !== "")
    .some((rule) => matchesRule(rule, name, port));
}

function matchesRule(rule: string, name: string, port: string): boolean {
  if (rule === "*") return true;
  if (rule.includes("/")) return isInNetwork(name, rule);
  const wanted = isIP(rule) ? { name: rule, port: undefined } : splitHost(rule);
  if (wanted.port !== undefined && String(wanted.port) !== port) return false;
  const suffix = wanted.name.replace(/^\*?\./, "");
  return name === suffix || (isIP(name) === 0 && name.endsWith(`.${suffix}`));
}

/** Opens a tunnel to `authority` (host:port) through the proxy. */
export function openTunnel(proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: splitHost(proxy.host).name,
      port: proxy.port === "" ? 80 : proxy.port,
      method: "CONNECT",
      path: authority,
      headers: { Host: authority, ...proxyHeaders(proxy) },
      agent: false,
      signal,
    });
    outgoing.once("error", reject);
    outgoing.once("connect", (response, socket) => {
      if (response.statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} answers ${response.statusCode} to CONNECT`));
    });
    outgoing.once("response", (response) => {
      response.destroy();
      reject(new Error(`the proxy ${proxy.host} answers ${response.statusCode} to CONNECT`));
    });
    outgoing.end();
  });
}

/** What the proxy itself wants to see. */
export function proxyHeaders(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}
