import { DEBIAN_CLIENTS } from '../clients/debian';
import { describeClients } from '../clients/suite';

describeClients(DEBIAN_CLIENTS);
