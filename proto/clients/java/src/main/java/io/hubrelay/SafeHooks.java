package io.hubrelay;

import java.lang.System.Logger.Level;

/** The application's hooks. An exception of one is logged, and has no other effect. */
final class SafeHooks implements Hooks {
    private final Hooks hooks;
    private final Journal journal;

    SafeHooks(Hooks hooks, Journal journal) {
        this.hooks = hooks;
        this.journal = journal;
    }

    @Override
    public Object beforePublish(String channel, byte[] payload) {
        try {
            return hooks.beforePublish(channel, payload);
        } catch (Throwable e) {
            failed(e);
            return null;
        }
    }

    @Override
    public void afterPublish(Object context, String channel, long receivers, Throwable failure) {
        try {
            hooks.afterPublish(context, channel, receivers, failure);
        } catch (Throwable e) {
            failed(e);
        }
    }

    @Override
    public void beforeDelivery(Message message) {
        try {
            hooks.beforeDelivery(message);
        } catch (Throwable e) {
            failed(e);
        }
    }

    @Override
    public void afterDelivery(Message message) {
        try {
            hooks.afterDelivery(message);
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void failed(Throwable e) {
        journal.log(Level.ERROR, "a hook has failed", e);
    }
}
