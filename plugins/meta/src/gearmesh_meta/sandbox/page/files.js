/** Files that people choose, drop or paste, as the control API takes them. */

const KINDS = Object.freeze({ image: "image", video: "video", audio: "audio" });

/** The kind under which a messenger would send a file. */
export function kindOf(file) {
  if (file.type === "image/gif") return "gif";
  return KINDS[file.type.split("/")[0]] ?? "file";
}

/** `{type, mime, base64, name}` of a file. Rejects when it cannot be read. */
export async function mediaOf(file, type = kindOf(file)) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name} cannot be read: ${reader.error.message}`));
    reader.readAsDataURL(file);
  });
  return {
    type, mime: file.type || "application/octet-stream", base64: address.slice(address.indexOf(",") + 1),
    ...(file.name ? { name: file.name } : {}),
  };
}

/** One of the files that come with the page. */
export async function sample(name, mime) {
  const response = await fetch(`/page/samples/${name}`);
  if (!response.ok) throw new Error(`The page has no sample ${name}.`);
  return new File([await response.blob()], name, { type: mime });
}

/** Lets a phone take files that are dropped on it or pasted into it; `take` runs with each of them in turn. */
export function takeFiles(node, take) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // enter and leave come for every element below the pointer
  const show = (change) => {
    depth = change === 0 ? 0 : depth + change;
    node.classList.toggle("dropping", depth > 0);
  };
  node.addEventListener("dragenter", (event) => {
    if (holdsFiles(event)) show(1);
  });
  node.addEventListener("dragleave", (event) => {
    if (holdsFiles(event)) show(-1);
  });
  node.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  node.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    show(0);
    take([...event.dataTransfer.files]);
  });
  node.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    take(files);
  });
}
