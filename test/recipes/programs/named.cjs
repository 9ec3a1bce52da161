// Node finds the names of such a module by reading it, and what an assertion says by parsing it.
const assert = require("node:assert");

try {
  assert.ok(0 > 1);
} catch (error) {
  exports.complaint = error.message.trim().split("\n").at(-1).trim();
}
