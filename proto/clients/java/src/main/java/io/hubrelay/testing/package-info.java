/** A relay in memory, for the tests of applications. */
package io.hubrelay.testing;
