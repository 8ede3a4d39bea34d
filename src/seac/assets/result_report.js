"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const content = JSON.parse(find("content").textContent);
  const { size: [width, height], duration, lanes, outlines } = content;
  const player = find("player"), frame = find("frame"), canvas = find("outlines"), pen = canvas.getContext("2d");
  const NEAR = 2; // seconds: how far from its own frame a dashed outline is shown
  const MAX_ZOOM = 256, LEVEL_POINTS = 36000, TICKS = [.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
  let cursor = 0, zoom = 1, near = null, changed = true, playable = false, target = null;

  const create = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const percent = (seconds) => `${100 * seconds / duration}%`;
  const place = (element, start, stop) => {
    element.style.left = percent(start);
    if (stop !== undefined) element.style.width = percent(stop - start);
    return element;
  };
  const clock = (seconds, decimals = 1) => {
    const scale = 10 ** decimals, ticks = Math.round(seconds * scale);
    const rest = ((ticks / scale) % 60).toFixed(decimals), minutes = Math.floor(ticks / scale / 60), hours = Math.floor(minutes / 60);
    if (!minutes) return rest;
    const tail = rest.padStart(decimals ? 3 + decimals : 2, "0");
    return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
  };
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";

  // The video: from this page, or from beside it.
  const media = find("media");
  if (media) {
    const text = atob(media.textContent.trim()), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    player.src = URL.createObjectURL(new Blob([bytes], { type: media.dataset.type }));
    media.remove();
  } else {
    player.src = player.dataset.beside;
  }
  frame.style.aspectRatio = `${width} / ${height}`;
  frame.style.maxWidth = `calc(54vh * ${width / height})`;
  player.addEventListener("loadedmetadata", () => {
    playable = true;
    if (cursor) player.currentTime = cursor;
  });
  player.addEventListener("error", () => { playable = false; find("missing").hidden = false; });

  const position = () => {
    if (target !== null) return target;
    return playable ? player.currentTime : cursor;
  };
  const seek = (seconds) => {
    cursor = target = clamp(seconds, 0, duration);
    if (playable) player.currentTime = Math.min(cursor, player.duration || duration);
    else target = null;
    changed = true;
  };
  player.addEventListener("seeked", () => { target = null; changed = true; });
  const toggle = () => {
    if (!playable) return;
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  };
  for (const name of ["play", "pause", "ended"]) {
    player.addEventListener(name, () => { find("play").textContent = player.paused ? "Play" : "Pause"; changed = true; });
  }
  find("play").addEventListener("click", toggle);
  find("sound").addEventListener("click", () => { player.muted = !player.muted; press(find("sound"), !player.muted); });
  find("shown").addEventListener("click", () => { press(find("shown"), !pressed(find("shown"))); changed = true; });

  // Lanes.
  const block = find("lanes"), axis = find("axis"), level = find("level");
  const times = lanes.flatMap((lane) => lane.spans.map((span) => span[0])).sort((a, b) => a - b);
  const describe = (lane) => {
    const total = lane.spans.reduce((sum, span) => sum + span[1] - span[0], 0);
    const when = lane.spans.slice(0, 5).map((span) => `${clock(span[0])} to ${clock(span[1])}`).join(", ");
    const where = lane.track === null ? "off-screen" : `track ${lane.track}`;
    return `${lane.name}, ${where}: sounds ${clock(total)} seconds in ${lane.spans.length} events: ${when}${lane.spans.length > 5 ? ", ..." : ""}`;
  };
  const enter = (lane) => {
    if (near) near.row.classList.remove("near");
    near = lane;
    if (near) near.row.classList.add("near");
    changed = true;
  };
  const follow = (element) => {
    const seconds = (event) => {
      const box = element.getBoundingClientRect();
      return clamp((event.clientX - box.left) / box.width, 0, 1) * duration;
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      seek(seconds(event));
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) seek(seconds(event));
      pointer.hidden = false;
      place(pointer, seconds(event));
      element.title = clock(seconds(event));
    });
    element.addEventListener("pointerleave", () => { pointer.hidden = true; });
  };
  const over = create("div", "over"), pointer = create("div"), head = create("div");
  pointer.id = "pointer"; head.id = "head"; pointer.hidden = true;
  over.append(pointer, head);
  follow(axis); follow(level);

  for (const lane of lanes) {
    lane.row = create("div", "row");
    const name = create("div", "name"), strip = create("div", "lane");
    const swatch = create("span", "swatch"), text = create("span", "text", lane.track === null ? `${lane.name} (off-screen)` : `${lane.name} (${lane.track})`);
    text.title = lane.name;
    swatch.style.background = lane.colour;
    if (lane.track === null) {
      name.append(swatch, text);
    } else {
      lane.toggle = create("button", "toggle"); lane.solo = create("button", "solo", "solo");
      lane.toggle.type = lane.solo.type = "button";
      lane.toggle.append(swatch, text);
      lane.toggle.setAttribute("aria-label", `Outline of ${lane.name}, track ${lane.track}`);
      lane.solo.setAttribute("aria-label", `Only the outline of ${lane.name}, track ${lane.track}`);
      press(lane.toggle, true); press(lane.solo, false);
      lane.toggle.addEventListener("click", () => { press(lane.toggle, !pressed(lane.toggle)); changed = true; });
      lane.solo.addEventListener("click", () => { press(lane.solo, !pressed(lane.solo)); changed = true; });
      name.append(lane.toggle, lane.solo);
      name.addEventListener("focusin", () => enter(lane));
      name.addEventListener("focusout", () => enter(null));
    }
    for (const [start, stop, probability, loudness] of lane.spans) {
      const bar = place(create("div", lane.track === null ? "span off-screen" : "span"), start, stop);
      if (lane.track !== null) bar.style.backgroundColor = lane.colour;
      bar.title = `${clock(start)} to ${clock(stop)}, ${Math.round(100 * probability)} %, ${loudness} dBFS`;
      strip.append(bar);
    }
    strip.setAttribute("role", "img");
    strip.setAttribute("aria-label", describe(lane));
    strip.dataset.track = String(lane.track);
    lane.row.addEventListener("pointerenter", () => enter(lane));
    lane.row.addEventListener("pointerleave", () => enter(null));
    follow(strip);
    lane.row.append(name, strip);
    block.append(lane.row);
  }
  block.append(over);

  const vector = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const drawLevel = () => {
    const pooled = Math.max(1, Math.ceil(content.level.length / LEVEL_POINTS));
    let path = `M0 ${-content.floor}`;
    for (let i = 0; i < content.level.length; i += pooled) {
      const stop = Math.min(content.level.length, i + pooled);
      const y = -content.level.slice(i, stop).reduce((most, value) => Math.max(most, value), content.floor);
      path += `L${(i * content.step).toFixed(1)} ${y}L${(stop * content.step).toFixed(1)} ${y}`;
    }
    path += `L${(content.level.length * content.step).toFixed(1)} ${-content.floor}Z`;
    const image = vector("svg", { viewBox: `0 0 ${duration} ${-content.floor}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    image.append(vector("path", { d: path }));
    level.append(image);
    for (const cut of content.cuts) {
      const line = place(create("div", "cut"), cut);
      line.title = `new shot at ${clock(cut)}`;
      level.append(line);
    }
  };
  const drawAxis = () => {
    const pixels = axis.getBoundingClientRect().width || 1;
    const step = TICKS.find((tick) => tick * pixels / duration >= 70) || TICKS[TICKS.length - 1];
    axis.replaceChildren();
    for (let i = 0; i * step < duration; i++) axis.append(place(create("span", "", clock(i * step, step < 1 ? 1 : 0)), i * step));
  };
  const setZoom = (value) => {
    const scroll = find("scroll"), label = over.offsetLeft;
    const before = position() / duration * over.offsetWidth - scroll.scrollLeft;
    zoom = clamp(value, 1, MAX_ZOOM);
    block.style.width = `calc(${label}px + ${zoom} * (100% - ${label}px))`;
    scroll.scrollLeft = position() / duration * over.offsetWidth - before;
    drawAxis();
  };
  find("wide").addEventListener("click", () => setZoom(zoom * 2));
  find("narrow").addEventListener("click", () => setZoom(zoom / 2));

  // Outlines.
  const frameAt = (seconds) => { // the frame with outlines that is nearest in time
    let low = 0, high = outlines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (outlines[middle][0] <= seconds) low = middle; else high = middle - 1;
    }
    const next = outlines[low + 1];
    return next && next[0] - seconds < seconds - outlines[low][0] ? low + 1 : low;
  };
  const polygonsOf = (index, track) => {
    const row = outlines[index] && outlines[index][1].find((item) => item[0] === track);
    return row ? row[1] : null;
  };
  const polygonsNear = (index, track, seconds) => {
    for (let away = 0; away < outlines.length; away++) {
      const around = [index - away, index + away].filter((i) => outlines[i] && Math.abs(outlines[i][0] - seconds) <= NEAR);
      if (!around.length) return null;
      for (const i of around) {
        const found = polygonsOf(i, track);
        if (found) return found;
      }
    }
    return null;
  };
  const sounds = (lane, seconds) => lane.spans.some((span) => span[0] <= seconds && seconds < span[1]);
  const outline = (lane, polygons, dashed) => {
    const strong = lane === near;
    pen.setLineDash(dashed ? [6, 5] : []);
    pen.beginPath();
    for (const polygon of polygons) {
      let x = polygon[0], y = polygon[1];
      pen.moveTo(x * canvas.width / width, y * canvas.height / height);
      for (let i = 2; i < polygon.length; i += 2) {
        x += polygon[i]; y += polygon[i + 1];
        pen.lineTo(x * canvas.width / width, y * canvas.height / height);
      }
      pen.closePath();
    }
    const scale = window.devicePixelRatio || 1;
    for (const [colour, line] of [["rgba(0, 0, 0, .65)", strong ? 6 : 3.5], [lane.colour, strong ? 3.5 : 1.75]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line * scale;
      pen.stroke();
    }
  };
  const drawOutlines = (seconds) => {
    const scale = window.devicePixelRatio || 1, box = frame.getBoundingClientRect();
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    pen.lineJoin = "round";
    if (!outlines.length) return;
    const tracks = lanes.filter((lane) => lane.track !== null), solo = tracks.filter((lane) => pressed(lane.solo));
    const index = frameAt(seconds);
    for (const lane of tracks) {
      const wanted = pressed(find("shown")) && (solo.length ? solo.includes(lane) : pressed(lane.toggle));
      if (lane === near || !wanted || !sounds(lane, seconds)) continue;
      const polygons = polygonsOf(index, lane.track);
      if (polygons) outline(lane, polygons, false);
    }
    if (near && near.track !== null) {
      const polygons = polygonsNear(index, near.track, seconds);
      if (polygons) outline(near, polygons, !sounds(near, seconds));
    }
  };

  const draw = () => {
    const seconds = position();
    if (changed || !player.paused) {
      if (playable && target === null) cursor = player.currentTime;
      place(head, clamp(seconds, 0, duration));
      find("clock").textContent = `${clock(seconds)} / ${clock(duration)}`;
      axis.setAttribute("aria-valuenow", seconds.toFixed(1));
      axis.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(duration)}`);
      drawOutlines(seconds);
      changed = false;
    }
    window.requestAnimationFrame(draw);
  };
  const reveal = () => { // keep the position in view while zoomed
    const scroll = find("scroll"), at = position() / duration * over.offsetWidth, seen = scroll.clientWidth - over.offsetLeft;
    if (at < scroll.scrollLeft || at > scroll.scrollLeft + seen) scroll.scrollLeft = at - seen / 4;
  };
  player.addEventListener("timeupdate", () => { changed = true; if (zoom > 1 && !player.paused) reveal(); });

  const keys = {
    " ": toggle,
    ArrowLeft: (event) => seek(position() - (event.shiftKey ? .1 : 1)),
    ArrowRight: (event) => seek(position() + (event.shiftKey ? .1 : 1)),
    Home: () => seek(0),
    End: () => seek(duration),
    n: () => { const next = times.find((time) => time > position() + .01); if (next !== undefined) seek(next); },
    p: () => { const before = times.filter((time) => time < position() - .01).pop(); if (before !== undefined) seek(before); },
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    const own = event.key === " " && event.target.closest("button, summary"); // space presses these
    if (!act || own || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event);
    if (zoom > 1) reveal();
  });
  for (const button of document.querySelectorAll(".seek")) {
    button.addEventListener("click", () => seek(Number(button.dataset.start)));
  }
  frame.addEventListener("click", toggle);
  new ResizeObserver(() => {
    changed = true;
    find("scroll").style.setProperty("--seen", `${find("scroll").clientWidth}px`);
    drawAxis();
  }).observe(block);
  new ResizeObserver(() => { changed = true; }).observe(frame);
  axis.setAttribute("aria-valuemax", duration.toFixed(1));
  const linked = () => { // report.html#t=12.5 opens at that time
    const seconds = Number(new URLSearchParams(location.hash.slice(1)).get("t"));
    if (seconds > 0) seek(seconds);
  };
  window.addEventListener("hashchange", linked);
  drawLevel();
  drawAxis();
  linked();
  draw();
})();
