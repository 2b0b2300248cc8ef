import { readFileSync } from 'node:fs';
import { mockProfile, userIdAt } from '@helios/profile-svc/mock-profiles';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshPrefix, simpleRequest } from './bid-stream.js';
import { HeliosUnderTest, type Service, services, stopped } from './helios-under-test.js';
import { documentedMetrics, shownMetrics } from './metrics-page.js';
import { runProgram } from './processes.js';

/** What somebody sees who starts Helios and sends one bid request. */

let helios: HeliosUnderTest;
beforeAll(async () => {
  helios = await HeliosUnderTest.start({ LOG_SAMPLE_RATE: '1' });
});
afterAll(() => stopped(helios));

interface Outcome {
  readonly bid_id: string;
  readonly bid_request_id: string;
  readonly slot_id: string;
}

/** Posts a body as `curl -d @-` would without any header of ours. */
async function post(body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(helios.addresses.bid, { method: 'POST', body: Buffer.from(body) });
  return { status: response.status, text: await response.text() };
}

async function get(path: string): Promise<{ status: number; value: { results: Outcome[] } & Outcome }> {
  const response = await fetch(`${helios.addresses.api}${path}`);
  return { status: response.status, value: (await response.json()) as { results: Outcome[] } & Outcome };
}

function lineOf(service: Service, message: string, requestId: string): Record<string, unknown> | undefined {
  const idOf = (line: Record<string, unknown>) => line['request_id'] ?? line['bid_request_id'];
  return helios.logLines(service).find((line) => line['msg'] === message && idOf(line) === requestId);
}

describe('the first bid request', () => {
  it('that `npm run -s generate` prints is answered 202 without any header, and its outcomes are at the API within 2 s', async () => {
    // The seed is one whose request has slots on both sides of the price.
    const { output } = await runProgram('scripts/dist/generate.js', ['--count', '1', '--seed', '4']);
    const request = JSON.parse(output) as { id: string; ad_slots: { id: string; floor: number }[] };
    const bidSlots = request.ad_slots.filter((slot) => slot.floor <= 0.01).map((slot) => slot.id);
    expect(bidSlots.length).toBeGreaterThan(0);

    expect(await post(output)).toEqual({ status: 202, text: JSON.stringify({ status: 'accepted', id: request.id }) });

    const slotsIn = ({ value }: { value: { results: Outcome[] } }) =>
      value.results.filter((outcome) => outcome.bid_request_id === request.id).map((outcome) => outcome.slot_id);
    await vi.waitFor(async () => expect(slotsIn(await get('/api/outcomes/')).toSorted()).toEqual(bidSlots.toSorted()), {
      timeout: 2000,
      interval: 50,
    });
    expect(slotsIn(await get('/api/analytics/outcomes/')).toSorted()).toEqual(bidSlots.toSorted());
    for (const slotId of bidSlots) {
      const path = `outcomes/${encodeURIComponent(`${request.id}:${slotId}`)}/`;
      for (const prefix of ['/api/', '/api/analytics/']) {
        expect(await get(`${prefix}${path}`)).toMatchObject({ status: 200, value: { bid_request_id: request.id, slot_id: slotId } });
      }
    }
  });

  it('is in the logs of every service: the request, the enriched profile, the bid, the decision, the stored outcome', async () => {
    const index = 5;
    const id = `${freshPrefix()}100% traced: yes`;
    const request = simpleRequest(id, userIdAt(index));
    const profile = mockProfile(index, 1);
    expect(profile.interests.length).toBeGreaterThan(0);
    expect((await post(JSON.stringify(request))).status).toBe(202);
    await vi.waitFor(() => expect(lineOf('writer', 'auction outcome stored', id)).toBeDefined(), { timeout: 10_000 });

    const bidId = `${id.replaceAll('%', '%25').replaceAll(':', '%3A')}:slot-1`;
    expect(lineOf('ingest', 'bid request accepted', id)).toMatchObject({ service: 'ingest', user_id: userIdAt(index), slots: 1 });
    expect(lineOf('bidder', 'bid request received', id)).toMatchObject({
      service: 'bidder',
      bid_request: request,
      enriched_profile: {
        profile: { user_id: profile.user_id, locale: profile.locale, interests: profile.interests, demographics: profile.demographics },
      },
      bid_ids: [bidId],
    });
    expect(lineOf('auction', 'auction decided', id)).toMatchObject({
      service: 'auction',
      bid: { bid_id: bidId, bid_request_id: id, slot_id: 'slot-1', enriched: true },
      decision: { win_status: expect.any(Boolean), win_price: expect.any(Number), market_price: expect.any(Number) },
    });
    expect(lineOf('writer', 'auction outcome stored', id)).toMatchObject({ service: 'writer', bid_id: bidId, enriched: true });
  });

  it('is looked up by profile-svc, which logs what it was asked and what it answered', async () => {
    const index = 12;
    expect((await post(JSON.stringify(simpleRequest(`${freshPrefix()}1`, userIdAt(index))))).status).toBe(202);
    await vi.waitFor(
      () => {
        const lines = helios.logLines('profile-svc');
        expect(lines).toContainEqual(expect.objectContaining({ msg: 'profile request', request: { user_id: userIdAt(index) } }));
        expect(lines).toContainEqual(
          expect.objectContaining({
            msg: 'profile response',
            user_id: userIdAt(index),
            result: 'ok',
            response: { profile: mockProfile(index, 1) },
          }),
        );
      },
      { timeout: 10_000 },
    );
  });
});

describe('around it', () => {
  it('every service is alive, ready and shows metrics', async () => {
    const answers = await Promise.all(
      services.flatMap((service) =>
        ['/healthz', '/readyz', '/metrics'].map(async (path) => [service, path, (await helios.admin(service, path)).status]),
      ),
    );
    expect(answers).toEqual(services.flatMap((service) => ['/healthz', '/readyz', '/metrics'].map((path) => [service, path, 200])));
  });

  it.each(services)('docs/metrics.md has every metric of %s with its type and labels, and none that it does not show', async (service) => {
    const documented = documentedMetrics(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8'))[service];
    const shown = shownMetrics(await (await helios.admin(service, '/metrics')).text(), documented);
    expect(Object.keys(documented).length).toBeGreaterThan(25);
    expect(shown).toEqual(documented);
  });

  it('the dashboard serves its page and tells it where the API is, which lets it read', async () => {
    const { dashboard, api } = helios.addresses;
    const page = await fetch(`${dashboard}/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const script = /<script[^>]* src="([^"]+)"/.exec(await page.text())?.[1];
    expect((await fetch(new URL(script ?? 'no script', `${dashboard}/`))).status).toBe(200);
    const config = await fetch(`${dashboard}/config.json`);
    expect([config.status, await config.json()]).toEqual([200, { analyticsApiUrl: api }]);
    expect(page.headers.get('content-security-policy')).toContain(`connect-src 'self' ${api}`);
    const read = await fetch(`${api}/api/outcomes/`, { headers: { origin: dashboard } });
    expect(read.headers.get('access-control-allow-origin')).toBe(dashboard);
  });
});
