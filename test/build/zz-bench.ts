import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { Lab } from "./lab.ts";

const [what = "2000"] = process.argv.slice(2);
const lab = new Lab();
await lab.addBusybox();
const time = async (label: string, f: () => Promise<any>) => {
  const t = performance.now();
  const r = await f();
  console.log(
    label,
    (performance.now() - t).toFixed(1),
    "ms",
    JSON.stringify(r?.steps),
    r?.image?.target?.digest?.slice(7, 19),
    `rss ${(process.memoryUsage().rss / 1e6).toFixed(0)}MB`,
  );
  if (r?.events)
    console.log(
      "   ",
      r.events
        .filter((e: any) => e.kind === "finished" && !e.cached && e.reason)
        .map((e: any) => e.reason)
        .join(" | ")
        .slice(0, 300),
    );
  return r;
};
if (what === "2000" || what === "50000") {
  const count = Number(what);
  const context = `/tmp/build-room/bench/ctx-${count}`;
  if (!existsSync(context)) {
    for (let d = 0; d < count / 100; d++) {
      mkdirSync(`${context}/src/dir${d}`, { recursive: true });
      for (let f = 0; f < 100; f++)
        writeFileSync(`${context}/src/dir${d}/file${f}.txt`, `file ${d} ${f}\n`.repeat(300));
    }
    writeFileSync(`${context}/main.txt`, "main");
  }
  const text =
    count === 2000
      ? `FROM busybox AS a
WORKDIR /src
COPY src /src
RUN echo one > /one
ENV A=1
RUN echo two > /two
FROM busybox AS b
WORKDIR /b
RUN echo b > /b/b
COPY main.txt /b/
FROM busybox
LABEL x=y
COPY --from=a /src /app
COPY --from=b /b /b
RUN ls /app | head -1
ENV Z=1
CMD ["sh"]
`
      : `FROM scratch\nCOPY src /src\n`;
  await time("cold", () => lab.build(text, { context }));
  await time("warm", () => lab.build(text, { context }));
  await time("warm", () => lab.build(text, { context }));
  await time("warm", () => lab.build(text, { context }));
  appendFileSync(`${context}/src/dir1/file3.txt`, "x");
  await time("one changed", () => lab.build(text, { context }));
  await time("warm", () => lab.build(text, { context }));
} else if (what === "1g") {
  const context = `/tmp/build-room/bench/ctx-1g`;
  if (!existsSync(context)) {
    mkdirSync(context);
    const { execSync } = await import("node:child_process");
    execSync(`head -c 1073741824 /dev/urandom > ${context}/big`);
  }
  await time("cold", () => lab.build("FROM scratch\nCOPY big /\n", { context }));
  await time("warm", () => lab.build("FROM scratch\nCOPY big /\n", { context }));
} else if (what === "30") {
  const text = `FROM busybox\n${Array.from({ length: 30 }, (_, i) => `RUN echo ${i} > /f${i}\n`).join("")}`;
  await time("first (probe)", () => lab.build("FROM busybox\nRUN true\n"));
  await time("cold", () => lab.build(text));
  await time("warm", () => lab.build(text));
} else if (what === "4") {
  const text = `${[1, 2, 3, 4].map((i) => `FROM busybox AS s${i}\nRUN sleep 2; echo ${i} > /o${i}\n`).join("")}FROM scratch\n${[1, 2, 3, 4].map((i) => `COPY --from=s${i} /o${i} /\n`).join("")}`;
  await time("cold", () => lab.build(text));
  await time("warm", () => lab.build(text));
}
await lab[Symbol.asyncDispose]();
