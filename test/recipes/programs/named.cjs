// Node finds the names of such a module by reading it, and what an assertion says by parsing it.
const assert = require("node:assert");

try {
  assert.ok(process.argv.length > 99);
} catch (error) {
  exports.complaint = /assert\.ok\(.*\)/.exec(String(error))?.[0];
}
