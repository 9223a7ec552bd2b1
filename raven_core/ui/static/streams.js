// gradio tells what its events did in one stream, which the server ends when nothing is pending. A press that crosses
// that end on its way is answered into the old stream: gradio does not open another one, and the answer is never drawn.
// So the end is kept from gradio while something that was asked for is not answered, and the next stream follows.
(() => {
  const plain = window.fetch.bind(window);
  const open = new Set(); // events that were asked for and are not over
  const early = new Set(); // events that were over before their name was known
  let asking = 0;

  const join = async (asked) => {
    asking += 1;
    try {
      const answer = await plain(...asked);
      const event = answer.ok ? (await answer.clone().json()).event_id : undefined;
      if (event !== undefined && !early.delete(event)) open.add(event);
      return answer;
    } finally {
      asking -= 1;
    }
  };

  const heard = (line) => {
    const said = line.startsWith("data:") ? JSON.parse(line.slice(5)) : {};
    if (said.msg === "process_completed" && !open.delete(said.event_id)) early.add(said.event_id);
    return said.msg === "close_stream" && asking + open.size > 0;
  };

  const follow = async (asked) => {
    const first = await plain(...asked);
    if (!first.ok || !first.body) return first;
    let reader = first.body.getReader();
    const letters = new TextDecoder();
    const bytes = new TextEncoder();
    let rest = "";
    const pull = async (out) => {
      for (let given = 0; !given; ) {
        const { done, value } = await reader.read();
        if (done) return out.close();
        const lines = (rest + letters.decode(value, { stream: true })).split("\n\n");
        rest = lines.pop(); // part of a message
        let goesOn = false;
        for (const line of lines) {
          if (heard(line)) goesOn = true;
          else given = out.enqueue(bytes.encode(`${line}\n\n`)) ?? 1;
        }
        if (!goesOn) continue;
        const next = await plain(...asked);
        if (!next.ok || !next.body) return out.enqueue(bytes.encode('data: {"msg": "close_stream"}\n\n'));
        reader = next.body.getReader();
      }
    };
    const body = new ReadableStream({ pull, cancel: (why) => reader.cancel(why) });
    return new Response(body, { status: first.status, headers: first.headers });
  };

  window.fetch = (...asked) => {
    const path = String(asked[0]?.url ?? asked[0]).split("?")[0];
    if (path.endsWith("/queue/join")) return join(asked);
    return path.endsWith("/queue/data") ? follow(asked) : plain(...asked);
  };
})();
