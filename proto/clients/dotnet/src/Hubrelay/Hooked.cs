using System;

namespace Hubrelay
{
    /// <summary>Calls the application's hooks. Exceptions from them are logged.</summary>
    internal sealed class Hooked
    {
        private readonly HubrelayHooks hooks;
        private readonly LogQueue log;

        public Hooked(HubrelayHooks hooks, LogQueue log)
        {
            this.hooks = hooks;
            this.log = log;
        }

        public object BeforePublish(string channel, ReadOnlyMemory<byte> payload)
        {
            try
            {
                return hooks.BeforePublish(channel, payload);
            }
            catch (Exception e)
            {
                Failed(e);
                return null;
            }
        }

        public void AfterPublish(object state, string channel, long receivers, Exception error)
        {
            try
            {
                hooks.AfterPublish(state, channel, receivers, error);
            }
            catch (Exception e)
            {
                Failed(e);
            }
        }

        public void BeforeDelivery(Message message)
        {
            try
            {
                hooks.BeforeDelivery(message);
            }
            catch (Exception e)
            {
                Failed(e);
            }
        }

        public void AfterDelivery(Message message)
        {
            try
            {
                hooks.AfterDelivery(message);
            }
            catch (Exception e)
            {
                Failed(e);
            }
        }

        private void Failed(Exception e)
        {
            log.Write("a hook of the application failed: " + e.Message);
        }
    }
}
