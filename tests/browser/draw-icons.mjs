// Draws the icons of the phone app from its logo, as PNG, with a real browser.
//
//   node draw-icons.mjs
//
// Needs playwright-core (`npm ci` here, or NODE_PATH) and Chromium (CHROMIUM, else /usr/bin/chromium).

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core"); // `require` looks in NODE_PATH, `import` does not

const FOLDER = new URL("../../phone/", import.meta.url);
const GROUND = "#0b5d5e";

/** What is drawn: `logo` is the share of the picture that the logo takes, `corner` how round the ground is. */
const ICONS = [
  { file: "icon-192.png", size: 192, logo: 0.583, corner: 0.2, ground: GROUND },
  { file: "icon-512.png", size: 512, logo: 0.594, corner: 0.2, ground: GROUND },
  { file: "icon-maskable-512.png", size: 512, logo: 0.5, corner: 0, ground: GROUND },
  { file: "apple-touch-icon.png", size: 180, logo: 0.533, corner: 0, ground: GROUND },
  { file: "badge.png", size: 96, logo: 1, corner: 0, ground: "none" },
];

const path = /d="([^"]+)"/.exec(readFileSync(new URL("logo.svg", FOLDER), "utf8"))[1];

/** An icon as SVG: the logo, white, on its ground. */
function drawing({ size, logo, corner, ground }) {
  const side = Math.round(size * logo);
  const start = (size - side) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">
    <rect width="${size}" height="${size}" rx="${size * corner}" fill="${ground}"/>
    <path transform="translate(${start} ${start}) scale(${side / 16})" fill="#fff" d="${path}"/></svg>`;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage();
  for (const icon of ICONS) {
    await page.setViewportSize({ width: icon.size, height: icon.size });
    await page.setContent(`<style>body{margin:0}svg{display:block}</style>${drawing(icon)}`);
    const picture = await page.screenshot({ omitBackground: true });
    writeFileSync(fileURLToPath(new URL(icon.file, FOLDER)), picture);
  }
} finally {
  await browser.close();
}
