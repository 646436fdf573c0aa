# frozen_string_literal: true

require_relative "events"

module Hubrelay
  # The frames and their fields, as in hubrelay.proto.
  # @api private
  module Wire
    OUTCOMES = { 0 => :unspecified, 1 => :ok, 2 => :pending, 3 => :not_connected, 4 => :interrupted, 5 => :refused,
                 6 => :invalid, 7 => :limit }.freeze
    STATES = { 0 => :unspecified, 1 => :up, 2 => :degraded, 3 => :down, 4 => :stopping }.freeze
    CODES = { 0 => :unspecified, 1 => :malformed, 2 => :frame_too_large, 3 => :hello_expected, 4 => :version,
              5 => :not_allowed, 6 => :too_many, 7 => :timeout }.freeze
    # 28 is never on the wire: only the client itself uses it.
    CAUSES = { 0 => :unspecified, 1 => :slow_reader, 2 => :too_large, 3 => :bad_name, 4 => :not_connected,
               5 => :refused, 6 => :invalid, 16 => :starting, 17 => :stopping, 18 => :unreachable, 19 => :closed,
               20 => :timeout, 21 => :auth, 22 => :tls, 23 => :busy, 24 => :demoted, 25 => :probe, 26 => :protocol,
               27 => :topology, 28 => :no_relay }.freeze

    ENUMS = { outcome: OUTCOMES, state: STATES, code: CODES, cause: CAUSES }.freeze
    NUMBERS = ENUMS.transform_values(&:invert).freeze

    # The default of a field of each type.
    DEFAULTS = { uint64: 0, uint32: 0, bool: false, string: "", bytes: "".b.freeze, strings: [].freeze,
                 outcome: :unspecified, state: :unspecified, code: :unspecified, cause: :unspecified,
                 status: nil }.freeze

    # The name and type of each field of a kind of frame; the n-th field has number n.
    FIELDS = {} # rubocop:disable Style/MutableConstant -- frozen below

    def self.frame(**fields)
      kind = Defaults.struct(**fields.transform_values { |type| DEFAULTS.fetch(type) })
      FIELDS[kind] = fields.to_a.freeze
      kind
    end
    private_class_method :frame

    Hello = frame(version: :uint32, client_name: :string)
    Publish = frame(channel: :string, payload: :bytes, id: :uint64)
    Subscribe = frame(id: :uint64, channels: :strings, patterns: :strings)
    Unsubscribe = frame(id: :uint64, channels: :strings, patterns: :strings)
    Ping = frame(id: :uint64, settled: :bool)

    Welcome = frame(version: :uint32, relay_version: :string, relay_id: :string, max_frame_bytes: :uint32,
                    status: :status, max_payload_bytes: :uint32, features: :strings)
    Delivery = frame(channel: :string, payload: :bytes, pattern: :string)
    Reply = frame(id: :uint64, outcome: :outcome, receivers: :uint64, detail: :string, channels: :strings,
                  patterns: :strings)
    Failure = frame(code: :code, detail: :string)

    FIELDS[Status] = { state: :state, reason: :string, since_unix_ms: :uint64, outages: :uint64, down_ms: :uint64,
                       publishing: :bool, receiving: :bool, gaps: :uint64, cause: :cause }.to_a.freeze
    FIELDS[Loss] = { publishes: :uint64, messages: :uint64, reason: :string, publishes_unknown: :uint64,
                     cause: :cause }.to_a.freeze
    FIELDS[Revoked] = { channels: :strings, patterns: :strings, detail: :string }.to_a.freeze
    FIELDS.freeze

    # The n-th kind has number n. A Delivery is the schema's Message, a Failure its Error.
    CLIENT_KINDS = [Hello, Publish, Subscribe, Unsubscribe, Ping].freeze
    RELAY_KINDS = [Welcome, Delivery, Reply, Status, Loss, Failure, Revoked].freeze
  end
  private_constant :Wire
end
