// Gradio's client hears its answers on one stream, which the server closes once nothing is left to answer. What is asked
// while word of that is on its way would be waited for on a stream that is closed: here it is opened once more.
{
  const fetched = window.fetch;
  const joining = new Set(); // requests, until the client knows what event each of them is
  const asked = new Set(); // events, since the stream was opened
  const answered = new Set();
  let isOpen = false;

  window.fetch = async (address, more) => {
    const { pathname } = new URL(address.url ?? address, location);
    const sent = fetched(address, more);
    if (pathname.endsWith("/queue/join")) return joined(sent);
    const response = await sent;
    if (!pathname.endsWith("/queue/data") || !response.ok) return response;
    isOpen = true;
    const heard = read(response).pipeThrough(goingOn(() => fetched(address, more)));
    return new Response(heard.pipeThrough(new TextEncoderStream()), response);
  };

  const read = (response) => response.body.pipeThrough(new TextDecoderStream());
  const turn = () => new Promise((next) => setTimeout(next, 10));

  async function joined(sent) {
    joining.add(sent);
    try {
      const response = await sent;
      if (isOpen && response.ok) asked.add((await response.clone().json()).event_id);
      return response;
    } finally {
      turn().then(() => joining.delete(sent));
    }
  }

  function goingOn(reopened) {
    let rest = "";

    async function hear(text, client) {
      const messages = (rest + text).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        const { msg, event_id: event } = JSON.parse(message.replace("data:", ""));
        if (msg === "process_completed") answered.add(event);
        if (msg === "close_stream") {
          while (joining.size) await turn();
          if ([...asked].some((each) => !answered.has(each))) return goOn(client);
          end();
        }
        client.enqueue(`${message}\n\n`);
      }
    }

    async function goOn(client) {
      const reader = read(await reopened()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) await hear(part.value, client);
    }

    return new TransformStream({ transform: hear });
  }

  function end() {
    isOpen = false;
    asked.clear();
    answered.clear();
  }
}
