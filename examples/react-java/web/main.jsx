import { useState } from "react";
import { createRoot } from "react-dom/client";

function Calculator() {
  const [text, setText] = useState("6 x 7");
  const [answer, setAnswer] = useState("");

  async function calculate(event) {
    event.preventDefault();
    const response = await fetch(`/api/calculate?q=${encodeURIComponent(text)}`);
    setAnswer(await response.text());
  }

  return (
    <form onSubmit={calculate}>
      <input value={text} onChange={(event) => setText(event.target.value)} aria-label="calculation" />
      <button type="submit">=</button> <output>{answer}</output>
    </form>
  );
}

createRoot(document.getElementById("root")).render(<Calculator />);
