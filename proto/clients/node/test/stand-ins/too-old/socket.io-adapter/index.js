'use strict';

exports.Adapter = class {};
