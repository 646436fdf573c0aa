using System;
using System.Threading.Tasks;
using Hubrelay;

/// <summary>The benchmark of hubrelay's client.</summary>
internal static class HubrelayProgram
{
    private const string Library = "hubrelay";

    private static int Main(string[] arguments)
    {
        return Measure.Run(arguments, Program);
    }

    private static async Task Program()
    {
        var client = new HubrelayClient(Measure.Address, "bench");
        await client.ReadyAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        if (Measure.Workload == "delivery")
        {
            await Deliver(client).ConfigureAwait(false);
        }
        else
        {
            await Measure.Publish(Library, _ => () => client.PublishAsync(Measure.Channel, Measure.Payload)).ConfigureAwait(false);
        }
    }

    private static async Task Deliver(HubrelayClient client)
    {
        Subscription subscription = await client.ListenAsync(Measure.Channel).ConfigureAwait(false);
        var delivery = new Measure.Delivery(Library);
        while (await subscription.WaitToReadAsync().ConfigureAwait(false))
        {
            while (subscription.TryRead(out RelayEvent one))
            {
                if (!(one is Message message))
                {
                    throw new InvalidOperationException($"instead of a message: {one}");
                }
                if (delivery.Take(message.Payload))
                {
                    return;
                }
            }
        }
    }
}
