using System;
using Hubrelay;
using Hubrelay.SignalR;
using Hubrelay.SignalR.AspNetCore;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hubrelay.SignalR.AspNetCore
{
    /// <summary>Options of AddHubrelay.</summary>
    public sealed class HubrelaySignalROptions
    {
        /// <summary>The relay's socket.</summary>
        public string Path { get; set; } = "/run/hubrelay/hubrelay.sock";

        /// <summary>The client's name, for people to read. May be empty.</summary>
        public string ClientName { get; set; } = "";

        /// <summary>
        /// The options of the client. Default: null, its defaults. Without a Log of its own it writes to the application's log.
        /// </summary>
        public HubrelayOptions Client { get; set; }

        /// <summary>The options of each hub, by its type. Default: null, the defaults.</summary>
        public Func<Type, HubBackplaneOptions> Hub { get; set; }
    }

    /// <summary>The process's connection to the relay, for all hubs.</summary>
    internal sealed class HubrelayConnection : IDisposable
    {
        private readonly HubrelayClient client;
        private readonly HubrelaySignalROptions options;

        public HubrelayConnection(IOptions<HubrelaySignalROptions> options, ILogger<HubrelayConnection> logger)
        {
            this.options = options.Value;
            HubrelayOptions ofClient = this.options.Client ?? new HubrelayOptions();
            ofClient.Log = ofClient.Log ?? (line => logger.LogInformation("{Line}", line));
            client = new HubrelayClient(this.options.Path, this.options.ClientName, ofClient);
            Backplane = new Backplane(client, line => logger.LogWarning("{Line}", line));
        }

        public Backplane Backplane { get; }

        public HubBackplaneOptions OptionsOf(Type hub)
        {
            return options.Hub?.Invoke(hub);
        }

        public void Dispose()
        {
            client.Dispose();
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds hubrelay to SignalR.</summary>
    public static class HubrelaySignalRDependencyInjectionExtensions
    {
        /// <summary>
        /// Makes SignalR's servers send each other messages through a relay, in place of AddStackExchangeRedis.
        /// </summary>
        /// <param name="builder">The builder that AddSignalR returns.</param>
        /// <param name="path">The relay's socket.</param>
        /// <param name="configure">Sets further options. May be null.</param>
        public static ISignalRServerBuilder AddHubrelay(this ISignalRServerBuilder builder, string path,
            Action<HubrelaySignalROptions> configure = null)
        {
            builder.Services.Configure<HubrelaySignalROptions>(options =>
            {
                options.Path = path;
                configure?.Invoke(options);
            });
            builder.Services.AddSingleton<HubrelayConnection>();
            builder.Services.AddSingleton(typeof(HubLifetimeManager<>), typeof(HubrelayHubLifetimeManager<>));
            return builder;
        }
    }
}
