'use strict';

module.exports = require('./lib/socket.io/index.js');
