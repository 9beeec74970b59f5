import { describeClients } from '../clients/suite';
import { GO_CLIENTS } from './go-clients';

describeClients(GO_CLIENTS);
