// How well texts stand out from what is behind them (WCAG 2.2, 1.4.3).

/** Runs in the page: every text that is shown, with its contrast. */
export function contrasts() {
  const channels = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  };
  const over = (front, back) => {
    const mix = (one, other) => one * front.alpha + other * (1 - front.alpha);
    return {
      red: mix(front.red, back.red), green: mix(front.green, back.green),
      blue: mix(front.blue, back.blue), alpha: 1,
    };
  };
  const luminance = ({ red, green, blue }) => {
    const linear = (value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(channels(getComputedStyle(at).backgroundColor));
    }
    const page = { red: 255, green: 255, blue: 255, alpha: 1 };
    return layers.reduceRight((back, front) => over(front, back), page);
  };
  const opacity = (element) => {
    let product = 1;
    for (let at = element; at; at = at.parentElement) product *= getComputedStyle(at).opacity;
    return product;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.data.trim()).join(" ").trim();
    if (!text || !element.checkVisibility() || element.closest(".unseen, option, noscript")) continue;
    const back = behind(element);
    const color = channels(getComputedStyle(element).color);
    const front = over({ ...color, alpha: color.alpha * opacity(element) }, back);
    const [light, dark] = [luminance(front), luminance(back)].sort((one, other) => other - one);
    found.push({ text, ratio: (light + 0.05) / (dark + 0.05) });
  }
  return found;
}
