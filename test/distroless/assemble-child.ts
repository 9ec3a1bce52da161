import { Lab } from "./lab.ts";

/** A process that assembles the lab's recipe once, to be killed: `assemble-child ROOT MIRROR KEY`. */
const [root = "", url = "", base64 = ""] = process.argv.slice(2);
const lab = new Lab(root);
await lab.assemble(url, { key: { archiveKey: { name: "test", fingerprint: "", base64 } } });
