// Fetches over TLS with and without trust, asks ICU for zones, languages and charsets, and for what Node keeps beside itself.
import { exec } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { text } from "node:stream/consumers";
import { rootCertificates } from "node:tls";
import { Worker } from "node:worker_threads";

/** @param {import("node:https").RequestOptions} options */
async function fetchText(options) {
  try {
    const [response] = await once(get(process.argv[2] ?? "", options), "response");
    return await text(response);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code;
  }
}

console.log(await fetchText({}));
console.log(await fetchText({ ca: readFileSync("/app/server.pem") }));
console.log(
  rootCertificates.length > 100,
  typeof fetch,
  new Date(0).toLocaleString("de-DE", { timeZone: "Asia/Tokyo" }),
);

/** @param {string} locale */
const spoken = (locale) => new Intl.DisplayNames(locale, { type: "language" }).of("fr");
/** @type {readonly [string, readonly number[]][]} */
const samples = [
  ["gbk", [0xd6, 0xd0]],
  ["big5", [0xa4, 0xa4]],
  ["gb18030", [0xd6, 0xd0]],
  ["shift_jis", [0x92, 0x86]],
  ["euc-jp", [0xc3, 0xe6]],
  ["iso-2022-jp", [0x1b, 0x24, 0x42, 0x43, 0x66]],
  ["euc-kr", [0xf1, 0xe9]],
  ["koi8-r", [0xc1]],
  ["ibm866", [0xa0]],
  ["iso-8859-7", [0xe1]],
  ["windows-1252", [0xe4]],
];
const decoded = samples.map(([label, bytes]) => new TextDecoder(label).decode(Uint8Array.from(bytes)));
console.log(decoded.join(""), spoken("de"), spoken("ja"), spoken("bg"), new URL("http://bücher.test").host);
console.log(
  ["ä", "z", "a", "ö"].sort(new Intl.Collator("sv").compare).join(""),
  [...new Intl.Segmenter("ja", { granularity: "word" }).segment("世界です")]
    .map(({ segment }) => segment)
    .join(" "),
  Intl.DateTimeFormat("he-u-ca-hebrew", { dateStyle: "long", timeZone: "UTC" }).format(0),
  Intl.supportedValuesOf("timeZone").length > 400,
);
const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
console.log(
  (await once(worker, "message"))[0],
  await fetch("data:,fetched").then((response) => response.text()),
  (await import("./named.cjs")).complaint,
  Reflect.get(globalThis, "WebAssembly").validate(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0])),
);
exec("true", (error) => console.log(error?.code ?? "shell"));
