import { join } from 'node:path';
import { kafkaClassArchive } from './kafka-class-archive.js';
import { findJava, kafkaJars } from './kafka-jars.js';
import type { KafkaProgram } from './kafka-server.js';

/**
 * Everything that a node of Kafka is run from, in the folder of a checkout; what is not there yet is fetched and made, with its progress on
 * standard error.
 * @throws Error with a sentence that says what to install when Java or Maven is absent, or too old.
 */
export async function kafkaProgram(root: string): Promise<KafkaProgram> {
  const program = {
    java: findJava(process.env['JAVA_HOME']),
    libsFolder: await kafkaJars(join(root, 'scripts/kafka/pom.xml'), join(root, '.helios/kafka')),
    loggingFile: join(root, 'scripts/kafka/log4j2.properties'),
  };
  const file = await kafkaClassArchive(program);
  return { ...program, classArchive: file === null ? null : { file, record: false } };
}
