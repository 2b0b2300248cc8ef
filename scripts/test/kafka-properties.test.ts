import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { javaMajor, kafkaVersion } from '../src/kafka-jars.js';
import { bootstrapOf, type KafkaNode, parseNodes, replicationOf, serverProperties } from '../src/kafka-properties.js';

const node = (base: number, advertised = base): KafkaNode => ({ client: base, advertised, direct: base + 1, controller: base + 2 });
const three = [node(20_010, 21_010), node(20_020), node(20_030)];

function propertiesOf(nodes: readonly KafkaNode[], nodeId: number): Record<string, string> {
  const lines = serverProperties(nodes, nodeId, '/data').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string]));
}

describe('the nodes of --nodes', () => {
  it('are read as they stand', () => {
    expect(parseNodes(JSON.stringify(three))).toEqual(three);
  });

  it.each([
    '',
    '[]',
    '{}',
    '[1]',
    '[null]',
    '[{"client":1,"advertised":1,"direct":2}]',
    '[{"client":0,"advertised":1,"direct":2,"controller":3}]',
  ])('are refused when they are %j', (text) => {
    expect(() => parseNodes(text)).toThrow('--nodes must be a JSON list');
  });

  it('are refused when two listeners want one port', () => {
    expect(() => parseNodes(JSON.stringify([node(20_010), { ...node(20_020), controller: 20_011 }]))).toThrow(
      '--nodes names a port twice.',
    );
  });

  it('give clients the advertised addresses and tools the direct ones', () => {
    expect(bootstrapOf(three, 'advertised')).toBe('127.0.0.1:21010,127.0.0.1:20020,127.0.0.1:20030');
    expect(bootstrapOf(three, 'direct')).toBe('127.0.0.1:20011,127.0.0.1:20021,127.0.0.1:20031');
  });
});

describe('the properties of a node', () => {
  it('of three promise that one broker may be lost, for the topics of Kafka itself too', () => {
    const properties = propertiesOf(three, 1);
    for (const name of ['default', 'offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic'])
      expect(properties[`${name}.replication.factor`]).toBe('3');
    for (const name of ['min.insync.replicas', 'transaction.state.log.min.isr', 'share.coordinator.state.topic.min.isr'])
      expect(properties[name]).toBe('2');
    expect(properties['unclean.leader.election.enable']).toBe('false');
  });

  it('of one ask for no copies', () => {
    expect(propertiesOf([node(20_010)], 1)).toMatchObject({ 'default.replication.factor': '1', 'min.insync.replicas': '1' });
  });

  it('bind each listener and tell clients the advertised port, other brokers the direct one', () => {
    expect(propertiesOf(three, 1)).toMatchObject({
      'node.id': '1',
      listeners: 'CLIENT://127.0.0.1:20010,DIRECT://127.0.0.1:20011,CONTROLLER://127.0.0.1:20012',
      'advertised.listeners': 'CLIENT://127.0.0.1:21010,DIRECT://127.0.0.1:20011',
      'inter.broker.listener.name': 'DIRECT',
      'controller.quorum.voters': '1@127.0.0.1:20012,2@127.0.0.1:20022,3@127.0.0.1:20032',
    });
  });

  it('can be changed, and added to', () => {
    const text = serverProperties([node(20_010)], 1, '/data', { listeners: 'CLIENT://127.0.0.1:1', 'ssl.keystore.type': 'PEM' });
    expect(text.match(/^listeners=.*$/gm)).toEqual(['listeners=CLIENT://127.0.0.1:1']);
    expect(text).toContain('\nssl.keystore.type=PEM\n');
  });

  it('never create a topic that somebody mistyped, and let consumers have the shortest session that services may have', () => {
    expect(propertiesOf(three, 3)).toMatchObject({
      'node.id': '3',
      'auto.create.topics.enable': 'false',
      'group.min.session.timeout.ms': '3000',
    });
  });
});

it('five brokers keep three copies, two of them in sync', () => {
  expect(replicationOf(5)).toEqual({ replication: 3, minInsync: 2 });
});

it('the major version of Java is found in what each of them says', () => {
  const said = ['openjdk version "17.0.15" 2025-04-15', 'java version "1.8.0_392"', 'openjdk version "21" 2023-09-19', 'command not found'];
  expect(said.map(javaMajor)).toEqual([17, 8, 21, null]);
});

it('the POM names a Kafka of the 4 line', () => {
  expect(kafkaVersion(readFileSync(new URL('../kafka/pom.xml', import.meta.url), 'utf8'))).toMatch(/^4\./);
});
