/** What generated bid requests choose from. The most frequent stands first in every list. Names end in `.example` (RFC 2606). */

/** Sites with their IAB content category. */
export const sites: readonly { readonly domain: string; readonly cat: string }[] = [
  { domain: 'morning-post.example', cat: 'IAB12' },
  { domain: 'matchday.example', cat: 'IAB17' },
  { domain: 'weather-now.example', cat: 'IAB15' },
  { domain: 'kitchen-table.example', cat: 'IAB8' },
  { domain: 'gearhead.example', cat: 'IAB2' },
  { domain: 'market-ticker.example', cat: 'IAB13' },
  { domain: 'pixel-quest.example', cat: 'IAB9' },
  { domain: 'far-shores.example', cat: 'IAB20' },
  { domain: 'circuit-board.example', cat: 'IAB19' },
  { domain: 'screen-room.example', cat: 'IAB1' },
  { domain: 'daily-stretch.example', cat: 'IAB7' },
  { domain: 'lookbook.example', cat: 'IAB18' },
  { domain: 'home-and-hearth.example', cat: 'IAB10' },
  { domain: 'first-steps.example', cat: 'IAB6' },
  { domain: 'paw-print.example', cat: 'IAB16' },
  { domain: 'classroom.example', cat: 'IAB5' },
  { domain: 'job-board.example', cat: 'IAB4' },
  { domain: 'small-business.example', cat: 'IAB3' },
  { domain: 'trail-notes.example', cat: 'IAB17' },
  { domain: 'evening-star.example', cat: 'IAB12' },
  { domain: 'chess-corner.example', cat: 'IAB9' },
  { domain: 'city-council.example', cat: 'IAB11' },
  { domain: 'bread-and-salt.example', cat: 'IAB8' },
  { domain: 'night-train.example', cat: 'IAB20' },
];

export const apps = [
  { name: 'Tile Drop', bundle: 'com.example.tiledrop', cat: 'IAB9' },
  { name: 'Pocket Weather', bundle: 'com.example.pocketweather', cat: 'IAB15' },
  { name: 'Run Log', bundle: 'com.example.runlog', cat: 'IAB7' },
  { name: 'Score Live', bundle: 'com.example.scorelive', cat: 'IAB17' },
  { name: 'Photo Frame', bundle: 'com.example.photoframe', cat: 'IAB9' },
  { name: 'Quick Recipes', bundle: 'com.example.quickrecipes', cat: 'IAB8' },
  { name: 'Word Ladder', bundle: 'com.example.wordladder', cat: 'IAB9' },
] as const;

/** OpenRTB device objects; `mobile` chooses sizes and apps and is not sent. */
export const devices = [
  {
    mobile: true,
    devicetype: 4,
    os: 'Android',
    osv: '15',
    language: 'en',
    ua: 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
  },
  {
    mobile: true,
    devicetype: 4,
    os: 'iOS',
    osv: '18.1',
    language: 'en',
    ua: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  },
  {
    mobile: false,
    devicetype: 2,
    os: 'Windows',
    osv: '10.0',
    language: 'en',
    ua: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  },
  {
    mobile: false,
    devicetype: 2,
    os: 'macOS',
    osv: '15.1',
    language: 'de',
    ua: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  },
  {
    mobile: false,
    devicetype: 2,
    os: 'Linux',
    osv: '6.1',
    language: 'fr',
    ua: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
  },
  {
    mobile: true,
    devicetype: 5,
    os: 'iOS',
    osv: '17.7',
    language: 'ja',
    ua: 'Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Safari/604.1',
  },
] as const;

/** Width and height in device-independent pixels. */
export const slotSizes: Readonly<Record<'desktop' | 'mobile', readonly (readonly [number, number])[]>> = {
  desktop: [
    [300, 250],
    [728, 90],
    [300, 600],
    [160, 600],
    [970, 250],
    [336, 280],
    [970, 90],
  ],
  mobile: [
    [320, 50],
    [300, 250],
    [320, 100],
    [300, 50],
    [320, 480],
  ],
};
