// Answers GET /add?a=6&b=7 with {"sum":13}. `node server.mjs --check` asks itself once and ends.
import express from "express";

const app = express();
app.disable("x-powered-by");
app.get("/add", ({ query }, response) => {
  const [a, b] = [query.a, query.b].map((text) =>
    text === undefined || text === "" ? Number.NaN : Number(text),
  );
  if (Number.isNaN(a + b)) response.status(400).json({ error: "a and b have to be numbers" });
  else response.json({ sum: a + b });
});

const isCheck = process.argv.includes("--check");
const server = app.listen(isCheck ? 0 : 8080, async () => {
  if (!isCheck) return;
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/add?a=6&b=7`);
  console.log(await answer.text());
  server.close();
});
process.once("SIGTERM", () => server.close());
