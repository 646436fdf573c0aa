using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// The first attempt to connect. What is asked for before it has ended waits for that: else the first calls of an
    /// application would always fail.
    /// </summary>
    public sealed partial class HubrelayClient
    {
        private readonly List<Operation> early = new List<Operation>(); // calls that wait for the first attempt
        private bool isStarting; // it has not ended
        private long startDue; // until when it is waited for

        private void BeginStart()
        {
            isStarting = options.FirstUse > TimeSpan.Zero;
            startDue = Time.Now + Ms(options.FirstUse);
        }

        /// <summary>The first attempt has ended, well or not, or has taken too long: what was asked for until now is done.</summary>
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
