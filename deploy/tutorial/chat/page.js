"use strict";

const query = new URLSearchParams(location.search);
const name = query.get("name"), room = query.get("room") || "lobby";
const part = (id) => document.getElementById(id);

let last = 0;                                   // number of the newest message here
let state = { refused: null, receiving: true }; // of the server: see server.py
let isConnected = true;                         // to the server
let isStale = false;                            // messages may be missing here
let missed = null;                              // how many were, when the history was read last

if (name) {
  part("chat").hidden = false;
  part("room").textContent = "#" + room;
  document.title = `${name} in #${room}`;
  enter();
} else {
  part("enter").hidden = false;  // a plain form: it loads this page again, with name and room in its address
}

function enter() {
  const socket = io({ transports: query.has("transport") ? [query.get("transport")] : ["polling", "websocket"] });
  window.chat = socket;  // for the console of the browser

  // At first, and when the server is there again: enter, and read what is newer than `last`.
  socket.on("connect", async () => {
    const reply = await socket.emitWithAck("join", name, room, last);
    const added = reply.messages.map((message) => show(message));
    if (!isConnected) {
      missed = added.length;
    }
    isConnected = true;
    isStale = false;  // where setState does not know better
    setState(reply.state);
    const engine = socket.io.engine, showServer = () => {
      part("server").textContent = `${reply.host}, ${engine.transport.name}`;
    };
    showServer();
    engine.once("upgrade", showServer);
  });

  socket.on("disconnect", () => {
    isConnected = false;
    render();
  });

  // Messages count 1, 2, 3, ...: one that comes twice is dropped, and a hole is filled from the history.
  socket.on("message", (message) => (message.number <= last + 1 ? show(message) : readAgain()));

  socket.on("notice", (text) => append("", text, "notice"));  // not stored, so without a number

  socket.on("state", setState);

  // May come before the state that all is well again: what others say is heard, and no message can be sent yet.
  socket.on("gap", async () => {
    const before = last;
    await readAgain();
    if (isStale || last > before) {
      missed = last - before;
    }
    isStale = !state.receiving;  // it may be the next outage already
    render();
  });

  async function readAgain() {
    for (const message of await socket.emitWithAck("read", last)) {
      show(message, "read-again");
    }
  }

  part("say").addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = event.target.elements.text, text = input.value.trim();
    if (!text) {
      return;
    }
    input.value = "";
    complain("");
    const { problem, isStored } = await say(text);
    if (problem) {
      complain(problem);
    }
    if (problem && !isStored) {
      input.value ||= text;
    }
  });

  async function say(text) {
    if (!isConnected) {  // Socket.IO would keep it, and send it when nobody expects that any more
      return { problem: "Not sent: no connection to the server." };
    }
    try {
      const reply = await socket.emitWithAck("say", text);
      if (reply.refused) {
        return { problem: `Not sent: ${reply.refused}.` };
      }
      const isLate = reply.late && reply.number > last;
      return {
        problem: isLate && `Stored. It is shown to all once the way to the others is open again (${reply.late}).`,
        isStored: true,
      };
    } catch {
      return { problem: "Perhaps not sent: the connection to the server has ended." };
    }
  }

  new ResizeObserver(showNewest).observe(part("messages"));
}

function show(message, kind) {
  if (message.number <= last) {
    return;
  }
  last = message.number;
  const from = `${message.name} · ${new Date(message.time).toTimeString().slice(0, 5)} · ${message.host}`;
  append(from, message.text, message.name === name ? "mine" : kind);
  if (message.name === name) {
    complain("");
  }
}

function append(from, text, kind) {
  const item = document.createElement("li");
  item.className = kind || "";
  for (const [element, content] of [["small", from], ["span", text]]) {
    item.append(Object.assign(document.createElement(element), { textContent: content }));
  }
  part("messages").append(item);
  showNewest();
}

function showNewest() {
  part("messages").scrollTop = part("messages").scrollHeight;
}

function setState(next) {
  state = next;
  isStale ||= !state.receiving;
  if (!state.refused) {
    complain("");
  }
  render();
}

/** The line above the field to type in. */
function complain(text) {
  part("refused").textContent = text;
  part("refused").hidden = !text;
}

/** The line above the messages, and the dot. */
function render() {
  const isWell = isConnected && !state.refused && state.receiving;
  let text = "";
  if (!isConnected) {
    text = "No connection to the server. Trying again …";
  } else if (state.refused) {
    text = `${isStale ? "Messages may be missing here, and nothing" : "Nothing"} can be sent: ${state.refused}.`;
  } else if (!state.receiving) {
    text = "Messages of others may be missing here.";
  } else if (isStale) {
    text = "Connected again. Reading what may have been missed …";
  } else if (missed !== null) {
    text = `Up to date again. The history was read: ${missed || "no"} message${missed === 1 ? " was" : "s were"} missing.`;
  }
  part("banner").textContent = text;
  part("banner").hidden = !text;
  part("banner").className = isWell ? "good" : "";
  part("server").className = !isConnected ? "" : isWell ? "good" : "warn";
}
