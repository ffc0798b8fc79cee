/** Shows the marks over the picture, as large as it is shown. What is sent is made of the same marks by `pixelsOf`. */
import type { Mark, Pixels, Size } from "./marks";

type Context = CanvasRenderingContext2D;

export function paintAll(
  canvas: HTMLCanvasElement,
  marks: readonly Mark[],
  size: Size,
  earlier: Pixels | undefined,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (earlier) paintEarlier(context, size, earlier);
  for (const mark of marks) paint(canvas, mark, size);
}

export function paint(canvas: HTMLCanvasElement, mark: Mark, size: Size): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = size;
  context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  context.fillStyle = context.strokeStyle = getComputedStyle(canvas).color;
  context.globalCompositeOperation = ways[wayOf(mark)];
  switch (mark.kind) {
    case "stroke":
      drawStroke(context, mark);
      break;
    case "box":
      context.fillRect(mark.box.left, mark.box.top, mark.box.width, mark.box.height);
      break;
    case "invert":
    case "clear":
      context.fillRect(0, 0, width, height);
  }
  context.globalCompositeOperation = "source-over";
}

const ways = { add: "source-over", take: "destination-out", swap: "source-out" } as const;

function wayOf(mark: Mark): keyof typeof ways {
  if (mark.kind === "invert") return "swap";
  return mark.kind === "clear" || mark.erases ? "take" : "add";
}

function drawStroke(context: Context, { radius, points }: Extract<Mark, { kind: "stroke" }>): void {
  const [first] = points;
  if (!first) return;
  context.beginPath();
  // A line without a length is not drawn everywhere.
  context.arc(first[0], first[1], radius, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * radius;
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

/** Every pixel that is shown takes after the one of the picture that it lies on. */
function paintEarlier(context: Context, size: Size, earlier: Pixels): void {
  const { width, height } = context.canvas;
  const shown = context.createImageData(width, height);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y / height) * size.height) * size.width;
    for (let x = 0; x < width; x += 1) {
      if (earlier[row + Math.floor((x / width) * size.width)])
        shown.data[4 * (y * width + x) + 3] = 255;
    }
  }
  context.putImageData(shown, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = getComputedStyle(context.canvas).color;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
}
