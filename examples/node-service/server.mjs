// Answers GET /add?a=6&b=7 with {"sum":13}. `node server.mjs --check` asks itself once and ends.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const [a, b] = ["a", "b"].map((name) => Number(searchParams.get(name) ?? Number.NaN));
  if (pathname !== "/add" || Number.isNaN(a) || Number.isNaN(b)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ sum: a + b }));
});

const isCheck = process.argv.includes("--check");
server.listen(isCheck ? 0 : 8080, async () => {
  if (!isCheck) return;
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/add?a=6&b=7`);
  console.log(await answer.text());
  server.close();
});
process.once("SIGTERM", () => server.close());
