/**
 * The client of hubrelay: a hub server's connection to the relay beside it. Begin with
 * {@link io.hubrelay.HubrelayClient}.
 */
package io.hubrelay;
