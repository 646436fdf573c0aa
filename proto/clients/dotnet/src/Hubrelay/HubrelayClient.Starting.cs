using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// The first attempt to connect. Calls made before it has ended wait for it: otherwise the first calls of an application
    /// would always fail.
    /// </summary>
    public sealed partial class HubrelayClient
    {
        private readonly List<Operation> early = new List<Operation>(); // calls that wait for the first attempt
        private bool isStarting; // the first attempt has not ended
        private long startDue; // when calls stop waiting for it

        private void BeginStart()
        {
            isStarting = options.FirstUse > TimeSpan.Zero;
            startDue = Time.Now + Ms(options.FirstUse);
        }

        /// <summary>
        /// The first attempt has ended, with or without success, or has taken too long. The calls that waited for it are made
        /// now.
        /// </summary>
        private void EndStart()
        {
            if (!isStarting)
            {
                return;
            }
            isStarting = false;
            foreach (Operation op in early.ToArray())
            {
                Begin(op);
            }
            early.Clear();
            if (Serving == null)
            {
                FailWaiters(isClosing ? IsClosed : (Func<Exception>)NotConnected);
            }
            else
            {
                AdmitWaiters();
            }
        }
    }
}
