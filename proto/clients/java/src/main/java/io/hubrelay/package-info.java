/**
 * The client of hubrelay: a hub server's connection to the relay beside it. {@link io.hubrelay.HubrelayClient} is where
 * to begin.
 */
package io.hubrelay;
